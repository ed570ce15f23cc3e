"""Prints what each layer adds to an image's base: `python3 container/layers.py IMAGE BASE`, or `make image-size`.

Asks the `docker` program. The exit status is 1 where the layers together are over what everloop promises.
"""

import json
import subprocess
import sys
from dataclasses import dataclass

PROMISED = 30_000_000
"""Bytes that everloop, its dependencies, the emulator and the standard library's bytecode add to the base at most."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One line of `docker history`."""

    made_by: str
    size: int


def layers(image: str, base: str) -> list[Layer]:
    """List the layers of an image that its base does not have, lowest first."""
    below = len(ask("history", "--format", "{{json .}}", base))
    rows = [json.loads(row) for row in ask("history", "--no-trunc", "--human=false", "--format", "{{json .}}", image)]
    own = rows[: len(rows) - below]
    return [
        Layer(row["CreatedBy"].removeprefix("/bin/sh -c ").removeprefix("#(nop) ").strip(), int(row["Size"]))
        for row in reversed(own)
    ]


def ask(*command: str) -> list[str]:
    """Run docker; give the lines that it prints. Raises `SystemExit` with docker's own words."""
    done = subprocess.run(["docker", *command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"docker {command[0]}: {done.stderr.strip()}")
    return done.stdout.splitlines()


def table(rows: list[Layer]) -> str:
    """Write layers that have a size as a table with their sum."""
    lines = [f"{row.size / 1e6:8.2f} MB  {row.made_by[:90]}" for row in rows if row.size]
    return "\n".join([*lines, f"{sum(row.size for row in rows) / 1e6:8.2f} MB  together, beyond the base"])


def main() -> int:
    """Print the table."""
    if len(sys.argv) != 3:
        print("usage: layers.py IMAGE BASE", file=sys.stderr)
        return 2
    rows = layers(sys.argv[1], sys.argv[2])
    print(table(rows))
    over = sum(row.size for row in rows) > PROMISED
    if over:
        print(f"over the {PROMISED / 1e6:.0f} MB that are promised", file=sys.stderr)
    return int(over)


if __name__ == "__main__":
    sys.exit(main())

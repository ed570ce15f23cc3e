"""Puts AWS's runtime interface emulator where it is wanted: `python3 requirements/fetch_rie.py DESTINATION`.

AWS publishes the emulator as bare files without checksums, but the same binaries travel in the wheel of aws-sam-cli,
which a package index serves under a hash. So pip fetches that wheel as `rie.txt` pins it, and one file is taken out.
"""

import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from zipfile import ZipFile

PINS = Path(__file__).with_name("rie.txt")
# Python's names for a processor, and those in the wheel.
ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


def main() -> int:
    """Fetch, check and unpack the emulator for this machine's processor."""
    if len(sys.argv) != 2:
        print("usage: fetch_rie.py DESTINATION", file=sys.stderr)
        return 2
    machine = platform.machine().lower()
    if machine not in ARCHITECTURES:
        print(f"AWS has no emulator for {machine}: expected one of {', '.join(ARCHITECTURES)}", file=sys.stderr)
        return 1
    emulator = read_emulator(ARCHITECTURES[machine])
    destination = Path(sys.argv[1])
    destination.parent.mkdir(parents=True, exist_ok=True)
    destination.write_bytes(emulator)
    destination.chmod(0o755)
    return 0


def read_emulator(architecture: str) -> bytes:
    """Return the emulator's binary out of the pinned wheel."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
        wanted = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--requirement", str(PINS)]
        subprocess.run([*pip, "download", *wanted, "--no-cache-dir", "--dest", folder], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with ZipFile(wheel) as archive:
            return archive.read(f"samcli/local/rapid/aws-lambda-rie-{architecture}")


if __name__ == "__main__":
    sys.exit(main())

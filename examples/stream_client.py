"""Shows a streamed answer piece by piece, with when each came: `python3 examples/stream_client.py URL`.

What `curl --no-buffer URL` shows as well, for containers that have no curl.
"""

import sys
import time
import urllib.error
import urllib.request


def main() -> int:
    """Request the URL and print what comes, as it comes."""
    if len(sys.argv) != 2:
        print("usage: stream_client.py URL", file=sys.stderr)
        return 2
    url = sys.argv[1]
    print(f"GET {url}", flush=True)
    began = time.monotonic()
    try:
        with urllib.request.urlopen(url, timeout=60) as response:
            print(f"{since(began)} {response.status} {response.headers['content-type']}", flush=True)
            while piece := response.read1():
                for line in piece.decode(errors="backslashreplace").splitlines():
                    print(f"{since(began)} {line}" if line else "", flush=True)
    except urllib.error.HTTPError as error:
        print(f"{since(began)} {error.code} {error.read().decode(errors='backslashreplace')}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{url}: {error}. Does it run? `docker compose ps` tells.", file=sys.stderr)
        return 1
    print(f"{since(began)} the stream has ended", flush=True)
    return 0


def since(began: float) -> str:
    """Say how long ago something began."""
    return f"{time.monotonic() - began:6.2f} s"


if __name__ == "__main__":
    sys.exit(main())

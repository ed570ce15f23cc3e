"""Drops debug information from shared libraries: `python3 container/strip_elf.py FOLDER`.

uvloop's wheel carries 14 MB of it. `strip` would do the same, but is not in Python's images, and a package manager that
brings it differs from base to base. What a library needs when it runs lies in its segments; sections that no segment
covers (debug information, the symbols of linkers and debuggers) follow them and are cut off together with the table
that lists sections.
"""

import struct
import sys
from pathlib import Path

# Offsets and formats of the 64-bit ELF header and its program headers: https://refspecs.linuxfoundation.org/elf/elf.pdf
MAGIC = b"\x7fELF\x02"  # 64-bit, of either byte order
LITTLE = 1
HEADER_SIZE = 64
PHOFF, SHOFF = 32, 40
PHENTSIZE, SHENTSIZE = 54, 58
SEGMENT_OFFSET, SEGMENT_FILE_SIZE = 8, 32
SEGMENT_SIZE = 56


class UnknownLayout(Exception):
    """A file that is not laid out as linkers lay out libraries."""


def strip(library: bytes) -> bytes:
    """Return a library without what no segment covers. Raises `UnknownLayout`."""
    if library[:5] != MAGIC or len(library) < HEADER_SIZE:
        raise UnknownLayout("not a 64-bit ELF file")
    order = "<" if library[5] == LITTLE else ">"
    (table,) = struct.unpack_from(f"{order}Q", library, PHOFF)
    size, count = struct.unpack_from(f"{order}HH", library, PHENTSIZE)
    end = table + size * count
    if not count or size < SEGMENT_SIZE or not HEADER_SIZE <= table < end <= len(library):
        raise UnknownLayout("it has no table of segments")
    for start in range(table, table + size * count, size):
        (offset,) = struct.unpack_from(f"{order}Q", library, start + SEGMENT_OFFSET)
        (length,) = struct.unpack_from(f"{order}Q", library, start + SEGMENT_FILE_SIZE)
        end = max(end, offset + length)
    if end > len(library):
        raise UnknownLayout("its segments do not lie inside the file")
    kept = bytearray(library[:end])
    struct.pack_into(f"{order}Q", kept, SHOFF, 0)
    struct.pack_into(f"{order}HHH", kept, SHENTSIZE, 0, 0, 0)  # size, number and name table of sections
    return bytes(kept)


def main() -> int:
    """Strip every shared library below a folder and say what that saved."""
    if len(sys.argv) != 2:
        print("usage: strip_elf.py FOLDER", file=sys.stderr)
        return 2
    saved = 0
    for path in sorted(Path(sys.argv[1]).rglob("*.so*")):
        if path.is_symlink() or not path.is_file():
            continue
        library = path.read_bytes()
        try:
            stripped = strip(library)
        except UnknownLayout as error:
            print(f"{path}: left as it is: {error}", file=sys.stderr)
            continue
        path.write_bytes(stripped)
        saved += len(library) - len(stripped)
    print(f"debug information of shared libraries: {saved / 1e6:.1f} MB dropped")
    return 0


if __name__ == "__main__":
    sys.exit(main())

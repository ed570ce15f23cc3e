"""Compiles code for a disk that cannot be written: `python3 -m everloop.compile [FOLDER ...]` in a Dockerfile.

Lambda's disk is read-only, so bytecode that is not in the image is made anew at every cold start. Nor can files change
there, so Python is told not to compare bytecode with its source. Without a folder, the working directory is compiled.
"""

import compileall
import sys
from collections.abc import Sequence
from pathlib import Path
from py_compile import PycInvalidationMode


def compile_folders(folders: Sequence[Path]) -> bool:
    """Compile every module below the folders, over whatever bytecode is there; tell whether all could be compiled."""
    done = [
        compileall.compile_dir(
            str(folder),
            maxlevels=100,  # the default stops where imports would recurse too deeply
            force=True,
            quiet=1,  # errors only
            invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
        )
        for folder in folders
    ]
    return all(done)


def main(arguments: Sequence[str]) -> int:
    """Run the command; give the exit code: 1 for code that does not compile, 2 for wrong use."""
    folders = [Path(argument) for argument in arguments] or [Path()]
    if missing := [str(folder) for folder in folders if not folder.is_dir()]:
        sys.stderr.write(
            f"everloop.compile: expected folders to compile, found {', '.join(missing)}.\n"
            "usage: python3 -m everloop.compile [FOLDER ...]; without one, the working directory\n"
        )
        return 2
    if compile_folders(folders):
        return 0
    sys.stderr.write(
        "everloop.compile: the files above do not compile, so importing them on Lambda would fail. If they are not "
        "meant to be imported, keep them out of the image (.dockerignore) or name the folders to compile.\n"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

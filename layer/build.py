"""Builds the Lambda layer: `python3 layer/build.py [--arch x86_64|arm64] [--python 3.12 ...] ZIP`, or `make layer`.

One zip for AWS's managed Python runtimes: everloop, its pinned dependencies for each version of Python, and the script
that AWS_LAMBDA_EXEC_WRAPPER names. pip fetches wheels for the runtimes' Linux whatever machine this runs on.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

ROOT = Path(__file__).resolve().parents[1]
VERSIONS = ("3.12", "3.13", "3.14")
# AWS's runtimes of Python 3.12 and newer run on Amazon Linux 2023, whose glibc is 2.34.
GLIBC_MINORS = (34, 28, 17)
MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
UNZIPPED_LIMIT = 250 * 1024 * 1024
"""Bytes that a function and all of its layers may have. https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html"""

COMPILE = """
import compileall, sys, py_compile
unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
done = compileall.compile_dir(
    sys.argv[1], force=True, quiet=1, stripdir=sys.argv[2], prependdir="/opt", invalidation_mode=unchecked
)
sys.exit(not done)
"""


def pip(*arguments: str) -> None:
    """Run this interpreter's pip; end where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments], check=False
    )
    if done.returncode:
        raise SystemExit(f"pip {arguments[0]} failed with status {done.returncode}")


def platforms(machine: str) -> list[str]:
    """Name the platforms whose wheels run on Amazon Linux 2023, as arguments of pip."""
    return [word for minor in GLIBC_MINORS for word in ("--platform", f"manylinux_2_{minor}_{machine}")] + [
        "--platform",
        f"manylinux2014_{machine}",
    ]


def install(wheel: Path, version: str, machine: str, site: Path) -> None:
    """Put everloop and its pinned dependencies for one Python into a folder."""
    target = ["--target", str(site), "--no-compile", "--no-deps"]
    foreign = [*platforms(machine), "--python-version", version, "--implementation", "cp", "--only-binary", ":all:"]
    pip("install", *target, *foreign, "--require-hashes", "--requirement", str(ROOT / "requirements" / "runtime.txt"))
    pip("install", *target, *foreign, "--no-index", str(wheel))
    for folder in (*site.rglob("tests"), site / "bin", site / "everloop" / "dev"):
        shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(
        [sys.executable, str(ROOT / "container" / "strip_elf.py"), str(site)], check=True, stdout=subprocess.DEVNULL
    )


def compile_with(version: str, site: Path, layer: Path) -> bool:
    """Add the bytecode of one Python, where that Python is here: without it each cold start compiles everything."""
    interpreter = find_python(version)
    if interpreter is None:
        return False
    command = [interpreter, "-I", "-c", COMPILE, str(site), str(layer)]
    subprocess.run(command, check=True, env={"PYTHONHASHSEED": "0"})
    return True


def find_python(version: str) -> str | None:
    """Find an interpreter of a version: on PATH, else pyenv's."""
    candidates = [shutil.which(f"python{version}")]
    candidates += [str(path) for path in sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python3"))]
    for candidate in filter(None, candidates):
        asked = subprocess.run(
            [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, check=False
        )
        if asked.stdout.decode().strip() == version:
            return candidate
    return None


def write(layer: Path, destination: Path) -> int:
    """Zip a folder so that the same content makes the same file; give the bytes that it has unzipped."""
    size = 0
    with ZipFile(destination, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(path for path in layer.rglob("*") if path.is_file()):
            entry = ZipInfo(str(path.relative_to(layer)))  # its date is that of the zip format's beginning, 1980
            entry.compress_type = ZIP_DEFLATED
            executable = path.parent == layer or ".so" in path.suffixes
            entry.external_attr = (0o100755 if executable else 0o100644) << 16
            content = path.read_bytes()
            size += len(content)
            archive.writestr(entry, content)
    return size


def build(destination: Path, machine: str, versions: Sequence[str]) -> None:
    """Make the layer and say what is in it."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        pip("wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(folder / "wheel"), str(ROOT))
        (wheel,) = (folder / "wheel").glob("*.whl")
        layer = folder / "layer"
        for version in versions:
            site = layer / "python" / "lib" / f"python{version}" / "site-packages"
            install(wheel, version, machine, site)
            compiled = compile_with(version, site, layer)
            print(f"Python {version}: {'with bytecode' if compiled else 'NO BYTECODE, no such interpreter is here'}")
        shutil.copy(ROOT / "layer" / "everloop", layer / "everloop")
        destination.parent.mkdir(parents=True, exist_ok=True)
        size = write(layer, destination)
    print(f"{destination}: {destination.stat().st_size / 1e6:.1f} MB, {size / 1e6:.1f} MB unzipped")
    if size > UNZIPPED_LIMIT:
        raise SystemExit(f"over Lambda's limit of {UNZIPPED_LIMIT:,} bytes unzipped")


def main() -> None:
    """Read the command line and build."""
    supported = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    parser = argparse.ArgumentParser(
        description="Build everloop's Lambda layer.", epilog=f"everloop needs Python {supported}"
    )
    parser.add_argument("destination", type=Path, metavar="ZIP")
    parser.add_argument("--arch", choices=sorted(MACHINES), default="x86_64", help="as Lambda calls it")
    parser.add_argument("--python", action="append", metavar="VERSION", help=f"default: {', '.join(VERSIONS)}")
    arguments = parser.parse_args()
    build(arguments.destination, MACHINES[arguments.arch], arguments.python or VERSIONS)


if __name__ == "__main__":
    main()

"""`make wheels`: a folder of wheels from which mostread installs without an index.

The wheels are those of requirements/base.txt, verified by their hashes, for the Python and the
platform that run this.
"""

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import click

ROOT = Path(__file__).parents[1]
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")


def build(out: Path, root: Path = ROOT) -> tuple[Path, Path]:
    """Build the sdist, and the wheel from it; return both.

    Raises ClickException if the sources give another wheel than the sdist.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        sdist = _hatchling("sdist", root, out)
        with tarfile.open(sdist) as archive:
            archive.extractall(folder / "sdist", filter="data")
        (unpacked,) = (folder / "sdist").iterdir()
        wheel = _hatchling("wheel", unpacked, out)
        if _hatchling("wheel", root, folder).read_bytes() != wheel.read_bytes():
            raise click.ClickException(
                "the sdist builds another wheel than the sources; compare their files, and see "
                "tool.hatch in pyproject.toml"
            )
    return sdist, wheel


def _hatchling(target: str, root: Path, out: Path) -> Path:
    """Build one target; hatchling dates its files by SOURCE_DATE_EPOCH or a constant."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "-d", str(out)]
    subprocess.run(command, cwd=root, check=True, stdout=subprocess.DEVNULL)
    (built,) = out.glob("mostread-*.tar.gz" if target == "sdist" else "mostread-*.whl")
    return built


def download(out: Path, root: Path = ROOT) -> None:
    """Download the locked dependencies."""
    locked = ["--require-hashes", "--only-binary", ":all:", "-r", "requirements/base.txt"]
    subprocess.run([*PIP, "download", *locked, "-d", str(out.absolute())], cwd=root, check=True)


def install(wheels: Path, folder: Path) -> Path:
    """Install mostread in a new environment from a folder of wheels only; return its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin/python"
    offline = ["--offline", "--no-index", "--find-links", str(wheels)]
    uv = Path(sys.executable).with_name("uv")  # five times as fast as pip
    subprocess.run(
        [uv, "pip", "install", "-q", "--python", python, *offline, "mostread"], check=True
    )
    return python


@click.command()
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
def main(out: Path) -> None:
    """Write mostread's wheel and those of its locked dependencies to a folder."""
    for old in out.glob("*.whl"):
        old.unlink()
    download(out)
    with tempfile.TemporaryDirectory() as temporary:
        _, wheel = build(Path(temporary))
        (out / wheel.name).write_bytes(wheel.read_bytes())
    count = len(list(out.glob("*.whl")))
    click.echo(
        f"wrote {count} wheels; to install: pip install --no-index --find-links {out} mostread"
    )


if __name__ == "__main__":
    main()

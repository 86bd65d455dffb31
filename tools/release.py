"""`make release VERSION=1.2.3`: everything that a release takes, except for its upload.

Checks the commit, then writes the sdist, the wheel, the npm package, the SBOM, the notes and their
checksums to dist/, and tags the commit. CONTRIBUTING.md describes the steps before and after.
"""

import hashlib
import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click

from tools import version as versions
from tools import wheels
from tools.sbom import new_sbom, schema_error

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
TRIAL = ROOT / "build/release"
"""Wheels of the release and its dependencies, and an environment installed from them."""
CHECKS = ("lint", "types", "licences", "vulnerabilities", "test")
NEXT = """
Nothing was uploaded. To publish {tag}:
  git push origin {tag}
  upload {sdist} and {wheel} to a Python index
  npm publish {npm}
  build and push the image from {tag}: docs/how-to/deployment.md
  attach {sbom} and SHA256SUMS to the release, with the notes {notes}"""


def git(*arguments: str) -> str:
    """Return the output of git. Raises CalledProcessError."""
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def obstacles(version: str) -> Iterator[str]:
    """Yield what is missing for a release of this commit, each with its fix."""
    if changed := git("status", "--porcelain"):
        yield f"the tree has changes; commit or remove them:\n{changed}"
    for path, stated in versions.stated():
        if stated != version:
            yield f"{path} has version {stated}; run `make version VERSION={version}` and commit"
    if not versions.changes(version):
        yield f"{versions.CHANGELOG} has no section [{version}] with a date and changes; write one"
    if not shutil.which("npm"):
        yield "npm is not installed; on Debian: apt-get install npm"
    if git("tag", "--list", f"v{version}"):
        yield f"the tag v{version} exists; choose another version"


def sha256sums(folder: Path) -> str:
    """Return the checksums of a folder's files, as `sha256sum` prints them."""
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(folder.iterdir())
    )


def build(version: str) -> dict[str, str]:
    """Fill dist/ and install from it; return the names of its files by kind."""
    for folder in (DIST, TRIAL):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    sdist, wheel = wheels.build(DIST)
    npm = ["npm", "pack", "--silent", "--pack-destination", str(DIST)]
    subprocess.run(npm, cwd=ROOT / "packages/tracker", check=True, stdout=subprocess.DEVNULL)
    wheels.download(TRIAL / "wheels")
    shutil.copy(wheel, TRIAL / "wheels")
    python = wheels.install(TRIAL / "wheels", TRIAL / "venv")
    sbom = json.dumps(new_sbom(python), indent=2) + "\n"
    if error := schema_error(sbom):
        raise click.ClickException(error)
    names = {
        "sdist": sdist.name,
        "wheel": wheel.name,
        "npm": f"mostread-tracker-{version}.tgz",
        "sbom": f"mostread-{version}.cdx.json",
        "notes": f"mostread-{version}.md",
    }
    (DIST / names["sbom"]).write_text(sbom)
    (DIST / names["notes"]).write_text(versions.changes(version) + "\n")
    (DIST / "SHA256SUMS").write_text(sha256sums(DIST))
    return names


@click.command()
@click.argument("version")
@click.option(
    "--check",
    "checks",
    multiple=True,
    default=CHECKS,
    show_default=True,
    help="Target of make that must succeed; repeatable.",
)
def main(version: str, checks: tuple[str, ...]) -> None:
    """Build a release of the current commit in dist/, and tag the commit."""
    versions.check_version(version)
    if missing := list(obstacles(version)):
        raise click.ClickException("\n".join(missing))
    for check in checks:
        done = subprocess.run(["make", "--no-print-directory", check], cwd=ROOT, check=False)
        if done.returncode:
            raise click.ClickException(f"`make {check}` failed; nothing was built")
    os.environ["SOURCE_DATE_EPOCH"] = git("log", "-1", "--pretty=%ct")
    try:
        names = build(version)
    except subprocess.CalledProcessError as error:
        raise click.ClickException(f"`{shlex.join(map(str, error.cmd))}` failed") from error
    tag = f"v{version}"
    git("tag", "--annotate", tag, "--message", f"mostread {version}")
    click.echo((DIST / "SHA256SUMS").read_text() + NEXT.format(tag=tag, **names))


if __name__ == "__main__":
    main()

"""Build the image from its Dockerfile without Docker, each RUN unchanged.

bubblewrap gives every stage a root of its own, so the paths are those of the image. This
machine's /usr and a fresh virtual environment replace the base image: the tests find errors in
the steps of the Dockerfile, not in the base image.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.tools import tool

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy/Dockerfile"
_VARIABLE = re.compile(r"\$(\w+)")


@dataclass(frozen=True)
class Instruction:
    """One instruction of a Dockerfile, its continued lines joined."""

    name: str
    rest: str


def instructions(dockerfile: str) -> Iterator[Instruction]:
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            name, _, rest = line.partition(" ")
            yield Instruction(name, rest.strip())


@dataclass
class Stage:
    """A stage of the build; `root` is its root directory."""

    root: Path
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": "/base/bin:/usr/bin:/bin"})
    folder: str = "/"
    user: str = "0:0"
    entry: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def inside(self, path: str) -> Path:
        """Return the path on this machine of a path in the image, relative to `folder`."""
        return self.root / Path(self.folder, path).relative_to("/")

    def sandbox(self, *options: str, writable: bool = False) -> list[str]:
        """Return the bubblewrap command for this root, with further `options`."""
        mounts = ["/usr", "/etc/resolv.conf", "/etc/hosts", "/etc/ssl"]
        if not sys.base_prefix.startswith("/usr"):
            mounts.append(sys.base_prefix)
        return [
            *(tool("bwrap"), "--bind" if writable else "--ro-bind", str(self.root), "/"),
            *(word for path in mounts for word in ("--ro-bind-try", path, path)),
            *("--proc", "/proc", "--dev", "/dev", "--clearenv", "--die-with-parent"),
            *options,
        ]


def environment(variables: Mapping[str, str]) -> Iterator[str]:
    """Yield the bubblewrap options that set these variables."""
    for name, value in variables.items():
        yield from ("--setenv", name, value)


class Build:
    """Builds the image in a folder; `arguments` are those of `docker build --build-arg`."""

    def __init__(self, folder: Path, **arguments: str) -> None:
        self._folder = folder
        self._arguments = arguments
        self._stages: dict[str, Stage] = {}

    def stage(self) -> Stage:
        """Run all steps; return the last stage, the image. Raises CalledProcessError."""
        for step in instructions(DOCKERFILE.read_text()):
            getattr(self, f"_{step.name.lower()}")(step.rest)
        return self._stage

    def _from(self, words: str) -> None:
        base, _, name = words.partition(" AS ")
        root = self._folder / f"{len(self._stages)}"
        if earlier := self._stages.get(base):
            shutil.copytree(earlier.root, root, symlinks=True)
        else:
            _stand_in(root)
        self._stage = self._stages[name] = Stage(root)

    def _arg(self, words: str) -> None:
        name, _, default = "".join(shlex.split(words)).partition("=")
        self._stage.environment[name] = self._arguments.get(name, default)

    def _env(self, words: str) -> None:
        known = dict(self._stage.environment)
        for word in shlex.split(words):
            name, _, value = word.partition("=")
            replaced = _VARIABLE.sub(lambda source_path: known[source_path[1]], value)
            self._stage.environment[name] = replaced

    def _workdir(self, words: str) -> None:
        self._stage.folder = words
        self._stage.inside(words).mkdir(parents=True)

    def _copy(self, words: str) -> None:
        *names, where = words.split()
        source, ignore = ROOT, shutil.ignore_patterns("__pycache__")
        if names[0].startswith("--from="):
            source, ignore = self._stages[names.pop(0).partition("=")[2]].root, lambda *_: set()
        for name in names:
            source_path, target = source / name.lstrip("/"), self._stage.inside(where)
            if source_path.is_dir():
                shutil.copytree(source_path, target, symlinks=True, ignore=ignore)
            else:
                target.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source_path, target)

    def _run(self, script: str) -> None:
        stage = self._stage
        # pip's configuration on this machine.
        pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        options = [*environment({**pip, **stage.environment}), "--chdir", stage.folder]
        command = [*stage.sandbox(*options, writable=True), "/bin/sh", "-ec", script]
        subprocess.run(command, check=True)

    def _user(self, words: str) -> None:
        self._stage.user = words

    def _entrypoint(self, words: str) -> None:
        self._stage.entry = _listed(words)

    def _healthcheck(self, words: str) -> None:
        self._stage.health = _listed(words.partition("CMD ")[2])

    def _label(self, _: str) -> None:
        pass

    def _expose(self, _: str) -> None:
        pass


def _stand_in(root: Path) -> None:
    """Create a replacement of the base image: a root with Python and pip."""
    # The interpreter may be in a directory that only root can read, such as /root.
    for folder in ("etc", "run/secrets", "tmp", "var", sys.base_prefix.lstrip("/")):
        (root / folder).mkdir(parents=True)
    for link in ("bin", "lib", "lib64", "sbin"):
        if Path("/", link).is_symlink():
            (root / link).symlink_to(f"usr/{link}")
    subprocess.run([sys.executable, "-m", "venv", str(root / "base")], check=True)
    for script in (root / "base/bin").glob("pip*"):
        script.write_text(script.read_text().replace(f"{root}/base", "/base"))


def _listed(words: str) -> list[str]:
    return [word.strip(' "') for word in words.strip("[] ").split(",")]

"""Install locked requirements into a virtual environment: the first step of `make`.

`python tools/install.py VENV REQUIREMENTS [--kafka] [--no-project]` runs uv, the one on PATH or
else the pinned wheel, which pip installs first. It needs the standard library only. With --kafka,
Apache Kafka's jars are downloaded while the packages are. With --no-project, mostread itself is not
installed.
"""

import argparse
import os
import shutil
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
PINNED_UV = ROOT / "requirements/uv.txt"
FOR_KAFKA = ROOT / "requirements/kafka.txt"
DOWNLOADER = "mostread.devstack.servers.kafka_download"
REPORT_SECONDS = 2.0


def main() -> None:
    """Create the environment where it is missing, then install."""
    parser = argparse.ArgumentParser(description="Install locked requirements.")
    parser.add_argument("venv", type=Path)
    parser.add_argument("requirements", type=Path)
    parser.add_argument("--kafka", action="store_true", help="download Kafka's jars meanwhile")
    parser.add_argument("--no-project", action="store_true", help="install the packages only")
    options = parser.parse_args()
    started = time.monotonic()
    python = options.venv.absolute() / "bin" / "python"
    if ssl.create_default_context().cert_store_stats()["x509_ca"]:
        os.environ.setdefault("UV_SYSTEM_CERTS", "true")  # as pip and curl do; else uv's own
    # Compiled once, as pip does: where Python writes no bytecode, each process would do it again.
    os.environ.setdefault("UV_COMPILE_BYTECODE", "1")
    try:
        uv = _find_or_install_uv(options.venv, python)
        install = [uv, "pip", "install", "--python", str(python), "--require-hashes"]
        with_jars = options.kafka and "MOSTREAD_KAFKA_BROKERS" not in os.environ
        jars = _start_download(install, python) if with_jars else None
        report(f"Installing {options.requirements} ...")
        _run_with_progress([*install, "-r", str(options.requirements)])
        if not options.no_project:
            editable = ["--no-build-isolation", "--no-deps", "--editable", str(ROOT)]
            _run([uv, "pip", "install", "--quiet", "--python", str(python), *editable])
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error.cmd[0]} failed with exit code {error.returncode}; see its output above")
    if jars:
        jars.wait()  # a failure is reported again, with advice, by the command that needs Kafka
    report(f"Installed in {time.monotonic() - started:.0f} s.")


def report(line: str) -> None:
    """Print a line at once, also into a pipe."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _find_or_install_uv(venv: Path, python: Path) -> str:
    """Return the path of uv, having created the environment."""
    uv = shutil.which("uv")
    if uv and subprocess.run([uv, "--version"], capture_output=True, check=False).returncode:
        uv = None  # a shim of a version manager that has no uv to run
    works = python.exists() and not subprocess.run([python, "-c", ""], check=False).returncode
    if uv:
        if not works:
            _run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(venv)])
        return uv
    pinned = python.with_name("uv")
    if not (works and pinned.exists()):
        report("Creating the virtual environment, and installing uv in it ...")
        try:
            _run([sys.executable, "-m", "venv", "--clear", str(venv)])
        except subprocess.CalledProcessError:
            sys.exit(
                "the virtual environment could not be created; "
                "on Debian: apt-get install python3-venv"
            )
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "--require-hashes", "-r", str(PINNED_UV)])
    _share_index(python)
    return str(pinned)


def _share_index(python: Path) -> None:
    """Point uv to the package index that pip is configured to use, if any."""
    pip = [str(python), "-m", "pip", "config", "list"]
    for line in subprocess.run(
        pip, capture_output=True, text=True, check=False
    ).stdout.splitlines():
        name, _, value = line.partition("=")
        if name.endswith(".index-url"):
            os.environ.setdefault("UV_DEFAULT_INDEX", value.strip("'"))


def _start_download(install: list[str], python: Path) -> subprocess.Popen[str]:
    """Start downloading Kafka's jars, with what the downloader itself needs."""
    _run([*install, "--quiet", "-r", str(FOR_KAFKA)])
    return subprocess.Popen(
        [str(python), "-m", DOWNLOADER],
        env=os.environ | {"PYTHONPATH": str(ROOT / "services"), "PYTHONUNBUFFERED": "1"},
        text=True,
    )


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True)


def _run_with_progress(command: list[str]) -> None:
    """Run uv: with its own bars on a terminal, with a line every few seconds elsewhere."""
    if sys.stderr.isatty():
        _run(command)
        return
    downloading: dict[str, str] = {}
    finished = threading.Event()

    def repeat() -> None:
        while not finished.wait(REPORT_SECONDS):
            if names := list(downloading)[-3:]:
                sizes = ", ".join(f"{name} {downloading.get(name, '')}" for name in names)
                others = len(downloading) - len(names)
                report(f"Downloading {sizes}{f' and {others} more' if others > 0 else ''} ...")

    threading.Thread(target=repeat, daemon=True).start()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        for line in process.stderr:
            verb, _, rest = line.strip().partition(" ")
            if verb == "Downloading":
                name, _, size = rest.partition(" ")
                downloading[name] = size
            elif verb == "Downloaded":
                downloading.pop(rest, None)
            elif verb != "+":
                report(line.rstrip())
    finished.set()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


if __name__ == "__main__":
    main()

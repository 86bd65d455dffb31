"""The units of deploy/systemd, in a root where the guide's commands have put them."""

import configparser
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mostread.aggregator.config import AggregatorSettings
from mostread.infra.settings import variable
from mostread.ops.effective_settings import SERVICES
from tests.support.commands import check_parses
from tests.support.tools import tool

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "deploy/systemd"
GUIDE = (ROOT / "docs/how-to/deployment.md").read_text()
SERVING = {
    "collector": "mostread-collector.service",
    "aggregator": "mostread-aggregator@8082.service",
    "ranking": "mostread-ranking.service",
    "canary": "mostread-canary.service",
    "articles": "mostread-articles.service",
    "notify": "mostread-notify.service",
}
COMMAND_UNITS = {
    "init": "mostread-init.service",
    "audit": "mostread-operator@audit.service",
    "backup": "mostread-operator@backup.service",
    "rebuild": "mostread-operator@rebuild.service",
}
SERVICES_AND_COMMANDS = SERVING | COMMAND_UNITS
ALL = [
    *SERVICES_AND_COMMANDS.values(),
    "mostread.target",
    "mostread-audit.timer",
    "mostread-backup.timer",
]
OPTIONAL = {
    "kafka-password.conf": {
        "mostread-init.service",
        "mostread-collector.service",
        "mostread-aggregator@.service",
        "mostread-operator@.service",
    },
    "session-secret.conf": {"mostread-collector.service", "mostread-ranking.service"},
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a root with the units of systemd and of mostread, all options, and a program."""
    root = tmp_path_factory.mktemp("root")
    shutil.copytree("/usr/lib/systemd/system", root / "usr/lib/systemd/system", symlinks=True)
    installed = root / "etc/systemd/system"
    shutil.copytree(UNITS, installed)
    for name, units in OPTIONAL.items():
        for unit in units:
            (installed / f"{unit}.d").mkdir(exist_ok=True)
            shutil.copy(UNITS / "optional" / name, installed / f"{unit}.d")
    program = root / "opt/mostread/bin/mostread"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return root


def analyze(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [tool("systemd-analyze"), "--no-pager", f"--root={root}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("unit", ALL)
def test_systemd_accepts_the_unit_without_a_warning(unit: str, root: Path) -> None:
    done = analyze(root, "verify", "--man=no", unit)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("unit", SERVICES_AND_COMMANDS.values())
def test_unit_is_hardened(unit: str, root: Path) -> None:
    (limit,) = re.findall(r"rates their exposure at (\d)\.(\d)", GUIDE)
    threshold = int("".join(limit))
    done = analyze(root, "security", "--offline=true", f"--threshold={threshold}", unit)
    assert done.returncode == 0, done.stdout + done.stderr


def test_unit_without_the_common_part_would_fail_that_check(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "root", symlinks=True)
    shutil.rmtree(tmp_path / "root/etc/systemd/system/mostread-.service.d")
    unit = SERVING["ranking"]
    done = analyze(tmp_path / "root", "security", "--offline=true", "--threshold=20", unit)
    assert done.returncode != 0


def files_of(unit: str, root: Path) -> Iterator[Path]:
    """Yield the file of a unit and its drop-ins, in the order in which systemd reads them."""
    folder = root / "etc/systemd/system"
    template = re.sub("@[^.]*", "@", unit)
    yield folder / (unit if (folder / unit).exists() else template)
    for name in ("mostread-.service.d", f"{template}.d", f"{unit}.d"):
        yield from sorted((folder / name).glob("*.conf"))


def values(unit: str, root: Path, key: str) -> list[str]:
    """Return all values of a key in the section Service, with specifiers replaced."""
    prefix, _, instance = unit.removesuffix(".service").partition("@")
    specifiers = {
        "%i": instance,
        "%j": prefix.removeprefix("mostread-"),
        "%p": prefix,
        "%d": "/credentials",
        "%S": "/var/lib",
        "%H": "host",
    }
    lines = re.findall(
        rf"^{key}=(.*)$",
        "\n".join(file.read_text() for file in dict.fromkeys(files_of(unit, root))),
        re.MULTILINE,
    )
    return [re.sub("%.", lambda match: specifiers[match[0]], line) for line in lines]


def environment(unit: str, root: Path) -> dict[str, str]:
    lines = values(unit, root, "Environment")
    return dict(line.strip('"').partition("=")[::2] for line in lines)


@pytest.mark.parametrize("name", SERVICES_AND_COMMANDS)
def test_unit_sets_only_valid_settings_and_loads_its_credentials(
    name: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = SERVICES_AND_COMMANDS[name]
    passed = environment(unit, root)
    passed.pop("ARGUMENTS", None)
    settings = SERVICES.get(name, AggregatorSettings)
    secrets = {f"{variable(each)}_FILE" for each in settings.secret_names()}
    known = {variable(each) for each in settings.model_fields} | secrets
    # Both services that know the secret have the same drop-in.
    assert {each for each in passed if "_SESSION_" not in each and "_TOKENS_" not in each} <= known
    loaded = dict(each.split(":") for each in values(unit, root, "LoadCredential"))
    read = {value for value in passed.values() if value.startswith("/credentials/")}
    assert {f"/credentials/{each}" for each in loaded} == read
    for source in loaded.values():
        assert f"`{source.removeprefix('/etc/mostread/credentials/')}`" in GUIDE
    for credential in loaded:
        (tmp_path / credential).write_text("s" * 32)
    monkeypatch.setenv("MOSTREAD_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    monkeypatch.setenv("MOSTREAD_ARTICLES_FEEDS", "https://news.example/feed.xml")
    for variable_name, value in passed.items():
        monkeypatch.setenv(variable_name, value.replace("/credentials", str(tmp_path)))
    if "MOSTREAD_KAFKA_USERNAME" not in passed:
        monkeypatch.delenv("MOSTREAD_KAFKA_SECURITY_PROTOCOL")
    settings()


@pytest.mark.parametrize("name", SERVICES_AND_COMMANDS)
def test_unit_starts_an_existing_command(
    name: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = SERVICES_AND_COMMANDS[name]
    (line,) = values(unit, root, "ExecStart")
    line = line.replace("$ARGUMENTS", environment(unit, root).get("ARGUMENTS", ""))
    program, command, *arguments = line.split()
    assert program == "/opt/mostread/bin/mostread"
    assert command == name
    monkeypatch.chdir(tmp_path)
    check_parses([command, *arguments])


def test_each_user_is_that_of_the_grants(root: Path) -> None:
    users = {
        name: environment(unit, root).get("MOSTREAD_CLICKHOUSE_USER")
        for name, unit in SERVICES_AND_COMMANDS.items()
    }
    assert {name: user for name, user in users.items() if user} == {
        "init": "mostread_init",
        "aggregator": "mostread_aggregator",
        "ranking": "mostread_ranking",
        "audit": "mostread_operator",
        "backup": "mostread_operator",
        "rebuild": "mostread_operator",
    }
    kafka = environment(COMMAND_UNITS["audit"], root)["MOSTREAD_KAFKA_USERNAME"]
    assert kafka == "mostread-operator"


@pytest.mark.parametrize("name", SERVING)
def test_service_restarts_unless_its_settings_are_invalid(name: str, root: Path) -> None:
    unit = SERVING[name]
    assert values(unit, root, "Restart") == ["always"]
    assert values(unit, root, "RestartPreventExitStatus") == ["2"]
    (stop,) = values(unit, root, "TimeoutStopSec")
    assert int(stop) > AggregatorSettings().aggregator_shutdown_timeout_seconds
    if name != "aggregator":
        assert int(stop) > 30  # infra/http/server.py gives requests in flight 30 s


def test_timers_start_existing_units_at_the_times_of_kubernetes() -> None:
    for name in ("audit", "backup"):
        timer = configparser.ConfigParser(strict=False)
        timer.optionxform = str  # type: ignore[assignment,method-assign]
        timer.read(UNITS / f"mostread-{name}.timer")
        assert timer["Timer"]["Unit"] == COMMAND_UNITS[name]
        time = timer["Timer"]["OnCalendar"].split()[1]
        cron_job = (ROOT / f"deploy/kubernetes/components/maintenance/{name}.yaml").read_text()
        (minute, hour) = re.findall(r'schedule: "(\d+) (\d+) \* \* \*"', cron_job)[0]
        assert time == f"{int(hour):02}:{int(minute):02}:00"


def test_sysusers_creates_the_user_of_the_units(root: Path, tmp_path: Path) -> None:
    (user,) = set(values(SERVING["ranking"], root, "User"))
    (tmp_path / "etc").mkdir()
    command = [tool("systemd-sysusers"), f"--root={tmp_path}", str(UNITS / "sysusers.conf")]
    subprocess.run(command, check=True, capture_output=True)
    assert f"\n{user}:" in "\n" + (tmp_path / "etc/passwd").read_text()


def test_guide_names_every_unit() -> None:
    for file in UNITS.iterdir():
        if file.suffix in {".service", ".timer", ".target"}:
            name = file.name.removesuffix(".service")
            name += {"mostread-operator@": "COMMAND", "mostread-aggregator@": "8082"}.get(name, "")
            assert re.search(rf"`(systemctl \w+ )?{name}`", GUIDE), name
    for file in (UNITS / "optional").iterdir():
        assert f"`optional/{file.name}`" in GUIDE

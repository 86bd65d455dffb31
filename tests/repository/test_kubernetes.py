"""deploy/kubernetes agrees with the schemas of Kubernetes and of operators, and with the code."""

import importlib
import re
import tomllib
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from mostread.aggregator.config import AggregatorSettings
from mostread.infra.healthcheck import PORTS
from mostread.infra.settings import variable
from mostread.ops.effective_settings import SERVICES
from tests.support.commands import check_parses
from tests.support.http import operational_paths
from tests.support.image import DOCKERFILE, ROOT, instructions
from tests.support.manifests import EXAMPLE, Manifests, Workload, built
from tests.support.tls.certificates import Authority

KUSTOMIZATIONS = ("base", EXAMPLE)
# Objects of other programs, with the module of their models.
OPERATORS = {
    "PodMonitor": "cloudcoil.models.prometheus_operator.v1",
    "PrometheusRule": "cloudcoil.models.prometheus_operator.v1",
    "ScaledObject": "cloudcoil.models.keda.v1alpha1",
    "TriggerAuthentication": "cloudcoil.models.keda.v1alpha1",
}
OLDEST, NEWEST = "1.30", kubernetes_validate.latest_version()
GUIDE = (ROOT / "docs/how-to/kubernetes.md").read_text()


@pytest.fixture(params=KUSTOMIZATIONS)
def manifests(request: pytest.FixtureRequest) -> Manifests:
    return built(str(request.param))


def workloads() -> list[pytest.param]:  # type: ignore[valid-type]
    return [
        pytest.param(built(folder), each, id=f"{folder}-{each.service}")
        for folder in KUSTOMIZATIONS
        for each in built(folder).workloads
    ]


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_manifests_match_the_kubernetes_schemas(manifests: Manifests, version: str) -> None:
    for each in manifests.objects:
        if each["kind"] not in OPERATORS:
            kubernetes_validate.validate(each, version, strict=True)


@pytest.mark.parametrize("kind", OPERATORS)
def test_objects_of_operators_match_their_models(kind: str) -> None:
    (manifest,) = built(EXAMPLE).of(kind).values()
    model: Any = getattr(importlib.import_module(OPERATORS[kind]), kind)
    parsed = model.model_validate(manifest)
    # A field that the model does not know is not in the copy.
    assert parsed.model_dump(mode="json", by_alias=True, exclude_unset=True) == manifest


def test_guide_names_the_oldest_supported_kubernetes() -> None:
    assert f"Kubernetes {OLDEST} or newer" in GUIDE


@pytest.mark.parametrize(("manifests", "workload"), workloads())
def test_pod_meets_the_restricted_standard(manifests: Manifests, workload: Workload) -> None:
    """Check the restricted Pod Security Standard, and a read-only root."""
    assert not workload.pod.keys() & {"hostNetwork", "hostPID", "hostIPC", "initContainers"}
    allowed = {"emptyDir", "persistentVolumeClaim", "projected", "secret"}
    assert all(volume.keys() - {"name"} <= allowed for volume in workload.pod["volumes"])
    pod = workload.pod["securityContext"]
    assert pod["runAsNonRoot"] is True
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert workload.container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert all("hostPort" not in port for port in workload.container.get("ports", []))
    assert workload.pod["automountServiceAccountToken"] is False
    assert workload.pod["enableServiceLinks"] is False
    assert workload.pod["serviceAccountName"] in manifests.of("ServiceAccount")
    (namespace,) = manifests.of("Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize(("manifests", "workload"), workloads())
def test_pod_runs_as_the_user_of_the_image(manifests: Manifests, workload: Workload) -> None:
    (user,) = [step.rest for step in instructions(DOCKERFILE.read_text()) if step.name == "USER"]
    pod = workload.pod["securityContext"]
    assert f"{pod['runAsUser']}:{pod['runAsGroup']}" == user
    assert pod["fsGroup"] == pod["runAsGroup"]
    assert "command" not in workload.container  # else the image's entry point would not be run
    assert {"name": "tmp", "mountPath": "/tmp"} in workload.container["volumeMounts"]  # noqa: S108


@pytest.mark.parametrize(("manifests", "workload"), workloads())
def test_pod_environment_contains_only_valid_settings(
    manifests: Manifests, workload: Workload, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = SERVICES.get(workload.service, AggregatorSettings)
    passed = manifests.environment(workload)
    secrets = {f"{variable(name)}_FILE" for name in settings.secret_names()}
    assert passed.keys() <= {variable(name) for name in settings.model_fields} | secrets
    authority = Authority(tmp_path / "tls").file.read_text()
    for name, source in manifests.files(workload).items():
        file = tmp_path / source.key
        file.write_text(authority if source.kind == "configmap" else "s" * 32)
        passed[name] = str(file)
    for name, value in passed.items():
        monkeypatch.setenv(name, value)
    made = settings().model_dump()
    if workload.service in PORTS:
        assert made[f"{workload.service}_host"] == "0.0.0.0"  # noqa: S104  inside a pod
        (port,) = workload.container["ports"]
        assert port == {"name": "http", "containerPort": made[f"{workload.service}_port"]}


@pytest.mark.parametrize(("manifests", "workload"), workloads())
def test_pod_reads_its_secrets_from_files_of_its_own(
    manifests: Manifests, workload: Workload
) -> None:
    """No secret is in the environment, and none belongs to another service."""
    own = f"mostread-{workload.labels['app.kubernetes.io/component']}"
    names = {
        source.name for source in manifests.files(workload).values() if source.kind == "secret"
    }
    assert names == {own}


def users(manifests: Manifests, setting: str) -> dict[str, set[str]]:
    """Return the components by the user that they are in Kafka or ClickHouse."""
    components: dict[str, set[str]] = {}
    for each in manifests.workloads:
        if user := manifests.environment(each).get(setting):
            components.setdefault(user, set()).add(each.labels["app.kubernetes.io/component"])
    return components


def test_each_service_has_its_own_user_whose_rights_are_granted() -> None:
    manifests = built(EXAMPLE)
    clickhouse = users(manifests, "MOSTREAD_CLICKHOUSE_USER")
    kafka = users(manifests, "MOSTREAD_KAFKA_USERNAME")
    for owners, prefix in ((clickhouse, "mostread_"), (kafka, "mostread-")):
        assert owners == {f"{prefix}{name}": {name} for each in owners.values() for name in each}
    assert kafka.keys() == {
        f"mostread-{name}" for name in ["init", "collector", "aggregator", "operator"]
    }
    grants = (ROOT / "deploy/clickhouse/grants.sql").read_text()
    assert clickhouse.keys() <= set(re.findall(r"CREATE USER IF NOT EXISTS (\w+)", grants))
    passwords = set(re.findall(r"BY \{(\w+):String\}", grants))
    assert passwords == set(re.findall(r"--param_(\w+)=", GUIDE))
    acls = (ROOT / "deploy/kafka/acls.sh").read_text()
    assert kafka.keys() == set(re.findall(r"_USER:-([\w-]+)\}", acls))


@pytest.mark.parametrize(("manifests", "workload"), workloads())
def test_pod_has_requests_and_a_memory_limit(manifests: Manifests, workload: Workload) -> None:
    resources = workload.container["resources"]
    assert resources["requests"].keys() == {"cpu", "memory"}
    # No limit of processor time: who is slowed down falls behind.
    assert resources["limits"].keys() == {"memory"}


def test_probes_request_existing_endpoints(manifests: Manifests) -> None:
    endpoints = operational_paths()
    for each in manifests.workloads:
        probes = {"livenessProbe", "readinessProbe"} if each.service in PORTS else set()
        if each.service in {"collector", "aggregator", "ranking"}:
            probes.add("startupProbe")
        assert {name for name in each.container if name.endswith("Probe")} == probes
        for probe in probes:
            request = each.container[probe]["httpGet"]
            assert request["port"] == "http"
            assert request["path"] in endpoints
        # Kafka or ClickHouse away is no reason to start a process again.
        if probes:
            assert each.container["livenessProbe"]["httpGet"]["path"] == "/healthz"


def test_ranking_readiness_does_not_depend_on_clickhouse_after_start(manifests: Manifests) -> None:
    ranking = manifests.workload("ranking")
    assert ranking.container["startupProbe"]["httpGet"]["path"] == "/readyz"
    assert ranking.container["readinessProbe"]["httpGet"]["path"] == "/healthz"


def test_termination_grace_period_exceeds_the_shutdown_timeout(manifests: Manifests) -> None:
    for each in manifests.workloads:
        grace = each.pod.get("terminationGracePeriodSeconds", 30)
        before = each.container.get("lifecycle", {}).get("preStop", {}).get("sleep", {})
        left = grace - before.get("seconds", 0)
        if each.service == "aggregator":
            assert left > AggregatorSettings().aggregator_shutdown_timeout_seconds
        elif each.service in PORTS:
            assert left > 30  # infra/http/server.py gives requests in flight 30 s


def test_example_runs_commands_that_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for each in built(EXAMPLE).workloads:
        check_parses(each.container["args"])


def created(guide: str) -> set[tuple[str, str, str]]:
    """Return the kind, name and keys of each Secret and ConfigMap that a guide creates."""
    commands = re.findall(
        r"create (secret generic|configmap) ([\w-]+)(.*)", guide.replace("\\\n", " ")
    )
    return {
        (kind.split()[0], name, key)
        for kind, name, options in commands
        for key in re.findall(r"--from-\w+=([\w.-]+)", options)
    }


def test_guide_creates_every_secret_and_certificate(manifests: Manifests) -> None:
    wanted = {source for each in manifests.workloads for source in manifests.files(each).values()}
    assert wanted <= created(GUIDE)


def test_image_tag_is_the_package_version(manifests: Manifests) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    for each in manifests.workloads:
        name, _, tag = each.container["image"].rpartition(":")
        assert name.endswith("mostread")
        assert tag == version

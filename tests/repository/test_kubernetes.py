"""deploy/kubernetes agrees with Kubernetes' schemas and with the code."""

import re
import subprocess
import tomllib
from itertools import chain
from pathlib import Path
from urllib.parse import urlsplit

import kubernetes_validate
import pytest
import yaml
from prometheus_client import CollectorRegistry

from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.metrics import AggregatorMetrics
from mostread.infra.healthcheck import PORTS
from mostread.infra.schemas import openapi
from mostread.ops.effective_settings import SERVICES
from tests.support.http import operational_paths
from tests.support.image import DOCKERFILE, ROOT, instructions
from tests.support.manifests import KUBERNETES, Manifests, Workload, built
from tests.support.tools import tool

# The canary is a client: it belongs where readers are, and the base has none. Components have tests
# of their own.
RUN = PORTS.keys() - {"canary", "articles", "notify"}
KUSTOMIZATIONS = ("base", "examples/news")
# Kubernetes itself has no schema of these: they are other programs' objects.
OTHERS = {"PodMonitor"}
OLDEST, NEWEST = "1.30", kubernetes_validate.latest_version()
DEPLOYMENT = (ROOT / "docs/how-to/deployment.md").read_text()
KUBERNETES_GUIDE = (ROOT / "docs/how-to/kubernetes.md").read_text()


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
        if each["kind"] not in OTHERS:
            kubernetes_validate.validate(each, version, strict=True)


def test_guide_names_the_oldest_supported_kubernetes() -> None:
    assert f"Kubernetes {OLDEST} or newer" in KUBERNETES_GUIDE


@pytest.mark.parametrize(("manifests", "workload"), workloads())
def test_pod_meets_the_restricted_standard(manifests: Manifests, workload: Workload) -> None:
    """Check the restricted Pod Security Standard, and a read-only root."""
    assert not workload.pod.keys() & {"hostNetwork", "hostPID", "hostIPC", "initContainers"}
    allowed = {"configMap", "emptyDir", "secret"}
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
    assert workload.pod["serviceAccountName"] in manifests.of("ServiceAccount")
    (namespace,) = manifests.of("Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize(("manifests", "workload"), workloads())
def test_pod_runs_as_the_user_of_the_image(manifests: Manifests, workload: Workload) -> None:
    (user,) = [step.rest for step in instructions(DOCKERFILE.read_text()) if step.name == "USER"]
    pod = workload.pod["securityContext"]
    assert f"{pod['runAsUser']}:{pod['runAsGroup']}" == user
    assert "command" not in workload.container  # else the image's entry point would not be run
    assert {"name": "tmp", "mountPath": "/tmp"} in workload.container["volumeMounts"]  # noqa: S108


@pytest.mark.parametrize(("manifests", "workload"), workloads())
def test_pod_environment_contains_only_valid_settings(
    manifests: Manifests, workload: Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SERVICES[workload.service]
    passed = manifests.environment(workload)
    assert passed.keys() <= {f"MOSTREAD_{name.upper()}" for name in settings.model_fields}
    for name, value in passed.items():
        monkeypatch.setenv(name, value)
    made = settings().model_dump()
    if workload.service in PORTS:
        assert made[f"{workload.service}_host"] == "0.0.0.0"  # noqa: S104  inside a pod
        (port,) = workload.container["ports"]
        assert port == {"name": "http", "containerPort": made[f"{workload.service}_port"]}


@pytest.mark.parametrize(("manifests", "workload"), workloads())
def test_pod_has_requests_and_a_memory_limit(manifests: Manifests, workload: Workload) -> None:
    resources = workload.container["resources"]
    assert resources["requests"].keys() == {"cpu", "memory"}
    # No limit of processor time: who is slowed down falls behind.
    assert resources["limits"].keys() == {"memory"}


def test_probes_request_existing_endpoints(manifests: Manifests) -> None:
    endpoints = operational_paths()
    served = [each for each in manifests.workloads if each.service in PORTS]
    assert {each.service for each in served} == RUN
    for each in served:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            request = each.container[probe]["httpGet"]
            assert request["port"] == "http"
            assert request["path"] in endpoints
        # Kafka or ClickHouse away is no reason to start a process again.
        assert each.container["livenessProbe"]["httpGet"]["path"] == "/healthz"


def test_ranking_readiness_does_not_depend_on_clickhouse_after_start(manifests: Manifests) -> None:
    (ranking,) = [each for each in manifests.workloads if each.service == "ranking"]
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


def test_selectors_match_the_pods_of_their_service(manifests: Manifests) -> None:
    for each in manifests.workloads:
        if each.kind != "Job":
            assert manifests.selected(each.spec["selector"]) == {each.service}
            for spread in each.pod["topologySpreadConstraints"]:
                assert each.service in manifests.selected(spread["labelSelector"])
                revision = (
                    "controller-revision-hash"
                    if each.kind == "StatefulSet"
                    else "pod-template-hash"
                )
                assert spread["matchLabelKeys"] == ["app.kubernetes.io/component", revision]
    for name, budget in manifests.of("PodDisruptionBudget").items():
        assert manifests.selected(budget["spec"]["selector"]) == {name.removeprefix("mostread-")}
    for name, service in manifests.of("Service").items():
        selector = {"matchLabels": service["spec"]["selector"]}
        assert manifests.selected(selector) == {name.removeprefix("mostread-")}
        assert [port["targetPort"] for port in service["spec"]["ports"]] == ["http"]
    for monitor in manifests.of("PodMonitor").values():
        assert manifests.selected(monitor["spec"]["selector"]) == RUN


def test_each_service_has_a_budget_and_an_autoscaler(manifests: Manifests) -> None:
    workloads = {each.name: each for each in manifests.workloads if each.kind != "Job"}
    assert workloads.keys() == {f"mostread-{service}" for service in RUN}
    assert manifests.of("PodDisruptionBudget").keys() == workloads.keys()
    scaled = {
        autoscaler["spec"]["scaleTargetRef"]["name"]: autoscaler["spec"]
        for autoscaler in manifests.of("HorizontalPodAutoscaler").values()
    }
    assert scaled.keys() == workloads.keys()
    for name, spec in scaled.items():
        assert spec["scaleTargetRef"]["kind"] == workloads[name].kind
        assert 2 <= spec["minReplicas"] <= spec["maxReplicas"]
        # Otherwise each `apply` would undo the autoscaler.
        assert "replicas" not in workloads[name].spec


def test_aggregators_do_not_exceed_partitions(manifests: Manifests) -> None:
    (init,) = [each for each in manifests.workloads if each.service == "init"]
    partitions = int(manifests.environment(init)["MOSTREAD_INIT_PARTITIONS"])
    spec = manifests.of("HorizontalPodAutoscaler")["mostread-aggregator"]["spec"]
    assert spec["maxReplicas"] == partitions


def test_aggregator_is_a_static_member_that_outlasts_its_restart(manifests: Manifests) -> None:
    (aggregator,) = [each for each in manifests.workloads if each.service == "aggregator"]
    assert aggregator.kind == "StatefulSet"
    environment = manifests.environment(aggregator)
    # No two pods have it, and a pod keeps it.
    assert environment["MOSTREAD_AGGREGATOR_INSTANCE_ID"] == "metadata.name"
    session = int(environment["MOSTREAD_AGGREGATOR_SESSION_TIMEOUT_SECONDS"])
    assert session > aggregator.pod["terminationGracePeriodSeconds"]
    # Otherwise a pod that does not become ready would hold up all others.
    assert aggregator.spec["podManagementPolicy"] == "Parallel"
    assert aggregator.spec["serviceName"] in manifests.of("Service")


def test_aggregators_scale_by_an_exported_metric(manifests: Manifests) -> None:
    spec = manifests.of("HorizontalPodAutoscaler")["mostread-aggregator"]["spec"]
    (metric,) = [each["external"] for each in spec["metrics"] if each["type"] == "External"]
    registry = CollectorRegistry()
    AggregatorMetrics(registry)
    name = metric["metric"]["name"]
    assert name in {family.name for family in registry.collect()}
    (rule,) = adapter_rules()
    assert rule["seriesQuery"].startswith(f"{name}{{")


def adapter_rules() -> list[dict[str, str]]:
    values = yaml.safe_load((KUBERNETES / "prometheus-adapter.yaml").read_text())
    rules: list[dict[str, str]] = values["rules"]["external"]
    return rules


def test_adapter_query_counts_the_lag_of_each_partition_once(tmp_path: Path) -> None:
    """promtool evaluates the adapter's query, filled in as the adapter does."""
    (rule,) = adapter_rules()
    series = rule["seriesQuery"].partition("{")[0]
    query = rule["metricsQuery"].replace("<<.Series>>", series)
    query = query.replace("<<.LabelMatchers>>", 'namespace="news"')
    lags = {("news", "a", 0): 100, ("news", "a", 1): 5, ("news", "b", 1): 40, ("other", "c", 0): 9}
    (tmp_path / "test.yml").write_text(
        yaml.safe_dump(
            {
                "tests": [
                    {
                        "input_series": [
                            {
                                "series": f'{series}{{namespace="{namespace}", pod="{pod}", '
                                f'partition="{partition}"}}',
                                "values": str(lag),
                            }
                            for (namespace, pod, partition), lag in lags.items()
                        ],
                        "promql_expr_test": [
                            {
                                "expr": query,
                                "exp_samples": [{"labels": '{namespace="news"}', "value": 140}],
                            }
                        ],
                    }
                ]
            }
        )
    )
    check = [tool("promtool"), "test", "rules", str(tmp_path / "test.yml")]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_network_policies_allow_the_configured_connections(manifests: Manifests) -> None:
    for each in manifests.workloads:
        environment = manifests.environment(each)
        addresses = [
            *environment.get("MOSTREAD_KAFKA_BROKERS", "").split(","),
            urlsplit(environment.get("MOSTREAD_CLICKHOUSE_URL", "")).netloc,
        ]
        wanted = {("kube-system", 53)}
        for address in filter(None, addresses):
            named = re.fullmatch(r"[\w-]+\.(?P<namespace>[\w-]+)\.svc:(?P<port>\d+)", address)
            assert named, address
            wanted.add((named["namespace"], int(named["port"])))
        allowed = set(manifests.reaching(each.service, "Egress"))
        assert wanted <= allowed
        # And to the others nothing but the same server with TLS.
        assert {namespace for namespace, _ in allowed} == {namespace for namespace, _ in wanted}


def test_network_policies_admit_only_ingress_and_prometheus(manifests: Manifests) -> None:
    sources = {
        each.service: {namespace for namespace, _ in manifests.reaching(each.service, "Ingress")}
        for each in manifests.workloads
    }
    assert sources["init"] == set()
    assert sources["aggregator"] == {"monitoring"}
    assert sources["collector"] == sources["ranking"] > {"monitoring"}
    everything = manifests.of("NetworkPolicy")["nothing-by-default"]["spec"]
    assert everything == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_tokens_file_is_in_a_mounted_folder(manifests: Manifests) -> None:
    (collector,) = [each for each in manifests.workloads if each.service == "collector"]
    file = Path(manifests.environment(collector)["MOSTREAD_COLLECTOR_TOKENS_FILE"])
    (mount,) = [
        each
        for each in collector.container["volumeMounts"]
        if Path(each["mountPath"]) == file.parent
    ]
    assert "subPath" not in mount
    (volume,) = [each for each in collector.pod["volumes"] if each["name"] == mount["name"]]
    assert [item["path"] for item in volume["secret"]["items"]] == [file.name]


def test_guide_creates_every_secret(manifests: Manifests) -> None:
    wanted = set()
    for each in manifests.workloads:
        for variable in each.container.get("env", []):
            if reference := variable["valueFrom"].get("secretKeyRef"):
                wanted.add((reference["name"], reference["key"]))
        for volume in each.pod["volumes"]:
            for item in volume.get("secret", {}).get("items", []):
                wanted.add((volume["secret"]["secretName"], item["key"]))
    for name, key in wanted:
        assert re.search(rf"create secret generic {name} [^`]*--from-\w+={key}=", KUBERNETES_GUIDE)


def ingress_paths(name: str) -> dict[str, str]:
    """Return the paths of an ingress of the example with their path types."""
    (rule,) = built("examples/news").of("Ingress")[f"mostread-{name}"]["spec"]["rules"]
    return {path["path"]: path["pathType"] for path in rule["http"]["paths"]}


@pytest.mark.parametrize("name", ["collector", "ranking"])
def test_ingress_exposes_only_public_operations(name: str) -> None:
    paths = openapi(name)["paths"]
    offered = {*paths, *chain(*(item.get("x-aliases", ()) for item in paths.values()))}
    inner = operational_paths(openapi={})
    with_tokens = {"/v1/articles", "/v1/placement"}
    for path, kind in ingress_paths(name).items():
        # Only the collector's need tokens; below the ranking's is who decided what.
        assert kind == "Exact" or (name == "collector" and path in with_tokens)
        reached = {each for each in offered if each == path or each.startswith(f"{path}/")}
        assert reached
        assert not reached & inner


@pytest.mark.parametrize("name", ["collector", "ranking"])
def test_guide_table_and_nginx_expose_the_ingress_paths(name: str) -> None:
    exact = {path for path, kind in ingress_paths(name).items() if kind == "Exact"}
    (row,) = re.findall(rf"^\| {name} \| ([^|]*/v1/[^|]*) \|", DEPLOYMENT, re.MULTILINE)
    assert set(re.findall(r"`([^`]+)`", row)) == exact
    upstreams = dict(
        re.findall(r"upstream (\w+) \{.*?server 127\.0\.0\.1:(\d+)", DEPLOYMENT, re.DOTALL)
    )
    location = re.compile(
        r"location ~ \^/\(([^)]*)\)\$ \{\s+proxy_pass http://(?:127\.0\.0\.1:)?(\w+);", re.MULTILINE
    )
    served = {
        int(upstreams.get(target, target)): paths for paths, target in location.findall(DEPLOYMENT)
    }
    assert {f"/{path}" for path in served[PORTS[name]].replace("\\", "").split("|")} == exact


def test_ingress_has_tls_and_routes_to_its_service() -> None:
    manifests = built("examples/news")
    for name, ingress in manifests.of("Ingress").items():
        (rule,) = ingress["spec"]["rules"]
        assert [each["hosts"] for each in ingress["spec"]["tls"]] == [[rule["host"]]]
        (port,) = manifests.of("Service")[name]["spec"]["ports"]
        for path in rule["http"]["paths"]:
            assert path["backend"]["service"] == {"name": name, "port": {"name": port["name"]}}


def test_image_tag_is_the_package_version(manifests: Manifests) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    for each in manifests.workloads:
        name, _, tag = each.container["image"].rpartition(":")
        assert name.endswith("mostread")
        assert tag == version

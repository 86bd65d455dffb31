"""Network policies and the ingress of deploy/kubernetes, and the proxy of the guide."""

import re
from itertools import chain
from urllib.parse import urlsplit

import pytest

from mostread.infra.healthcheck import PORTS
from mostread.infra.schemas import openapi
from tests.support.http import operational_paths
from tests.support.image import ROOT
from tests.support.manifests import EXAMPLE, Manifests, built

DEPLOYMENT = (ROOT / "docs/how-to/deployment.md").read_text()
DNS = {"kube-dns", "node-local-dns"}
NODE_LOCAL_DNS = "169.254.20.10/32"
NAMESPACE = "kubernetes.io/metadata.name"


@pytest.fixture(params=["base", EXAMPLE])
def manifests(request: pytest.FixtureRequest) -> Manifests:
    return built(str(request.param))


def namespaces(manifests: Manifests, service: str, direction: str) -> set[tuple[str, int | str]]:
    """Return the namespaces and ports that policies allow for a service's pods."""
    return {
        (peer["namespaceSelector"]["matchLabels"][NAMESPACE], port)
        for peer, port in manifests.reaching(service, direction)
        if "namespaceSelector" in peer
    }


def test_policies_allow_exactly_the_configured_servers(manifests: Manifests) -> None:
    for each in manifests.workloads:
        environment = manifests.environment(each)
        addresses = [
            *environment.get("MOSTREAD_KAFKA_BROKERS", "").split(","),
            urlsplit(environment.get("MOSTREAD_CLICKHOUSE_URL", "")).netloc,
        ]
        wanted: set[tuple[str, int | str]] = {("kube-system", 53)}
        for address in filter(None, addresses):
            named = re.fullmatch(r"[\w-]+\.(?P<namespace>[\w-]+)\.svc:(?P<port>\d+)", address)
            assert named, address
            wanted.add((named["namespace"], int(named["port"])))
        assert namespaces(manifests, each.service, "Egress") == wanted


def test_policies_allow_only_pods_of_the_named_cluster(manifests: Manifests) -> None:
    """Strimzi and Altinity's operator derive labels and names of services from the cluster's."""
    operator = manifests.environment(manifests.workload("init"))
    kafka = operator["MOSTREAD_KAFKA_BROKERS"].partition("-bootstrap.")[0]
    service = (urlsplit(operator["MOSTREAD_CLICKHOUSE_URL"]).hostname or "").partition(".")[0]
    labels = {
        "kafka": {"strimzi.io/name": kafka},
        "clickhouse": {"clickhouse.altinity.com/chi": service.removeprefix("clickhouse-")},
    }
    allowed = {
        peer["namespaceSelector"]["matchLabels"][NAMESPACE]: peer["podSelector"]["matchLabels"]
        for peer, port in manifests.reaching("init", "Egress")
        if port != 53
    }
    assert allowed == labels


def test_policies_allow_names_to_be_resolved_by_a_cache_on_the_node(manifests: Manifests) -> None:
    for each in manifests.workloads:
        peers = [peer for peer, port in manifests.reaching(each.service, "Egress") if port == 53]
        blocks = {peer["ipBlock"]["cidr"] for peer in peers if "ipBlock" in peer}
        assert blocks == {NODE_LOCAL_DNS}
        (pods,) = {
            tuple(peer["podSelector"]["matchExpressions"][0]["values"])
            for peer in peers
            if "podSelector" in peer
        }
        assert set(pods) == DNS


def test_policies_admit_only_ingress_and_prometheus_from_other_namespaces(
    manifests: Manifests,
) -> None:
    for each in manifests.workloads:
        sources = {name for name, _ in namespaces(manifests, each.service, "Ingress")}
        if each.service in {"collector", "ranking"}:
            assert len(sources) == 2
            assert sources > {"monitoring"}
        else:
            assert sources == ({"monitoring"} if each.service in PORTS else set())
    everything = manifests.of("NetworkPolicy")["nothing-by-default"]["spec"]
    assert everything == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def ingress_paths(name: str) -> dict[str, str]:
    """Return the paths of an ingress of the example with their path types."""
    (rule,) = built(EXAMPLE).of("Ingress")[f"mostread-{name}"]["spec"]["rules"]
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
    # An Ingress has no expression for it.
    series = {"/v1/articles/.../series"} if name == "ranking" else set()
    assert set(re.findall(r"`([^`]+)`", row)) == exact | series
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
    manifests = built(EXAMPLE)
    for name, ingress in manifests.of("Ingress").items():
        (rule,) = ingress["spec"]["rules"]
        assert [each["hosts"] for each in ingress["spec"]["tls"]] == [[rule["host"]]]
        (port,) = manifests.of("Service")[name]["spec"]["ports"]
        for path in rule["http"]["paths"]:
            assert path["backend"]["service"] == {"name": name, "port": {"name": port["name"]}}

"""Selectors, budgets and autoscalers of deploy/kubernetes."""

import pytest

from mostread.aggregator.config import AggregatorSettings
from mostread.infra.kafka.config import KafkaSettings
from tests.support.manifests import EXAMPLE, Manifests, built

SCALED = {"collector", "aggregator", "ranking"}


@pytest.fixture(params=["base", EXAMPLE])
def manifests(request: pytest.FixtureRequest) -> Manifests:
    return built(str(request.param))


def test_selectors_match_the_pods_of_their_service(manifests: Manifests) -> None:
    for each in manifests.workloads:
        if "selector" in each.spec:
            assert manifests.selected(each.spec["selector"]) == {each.service}
        for spread in each.pod.get("topologySpreadConstraints", []):
            assert each.service in manifests.selected(spread["labelSelector"])
            revision = (
                "controller-revision-hash" if each.kind == "StatefulSet" else "pod-template-hash"
            )
            assert spread["matchLabelKeys"] == ["app.kubernetes.io/component", revision]
    for name, budget in manifests.of("PodDisruptionBudget").items():
        assert manifests.selected(budget["spec"]["selector"]) == {name.removeprefix("mostread-")}
    for name, service in manifests.of("Service").items():
        selector = {"matchLabels": service["spec"]["selector"]}
        assert manifests.selected(selector) == {name.removeprefix("mostread-")}
        assert [port["targetPort"] for port in service["spec"]["ports"]] == ["http"]
    for monitor in manifests.of("PodMonitor").values():
        served = {each.service for each in manifests.workloads if each.container.get("ports")}
        assert manifests.selected(monitor["spec"]["selector"]) == served


def test_each_service_has_a_budget_and_one_autoscaler(manifests: Manifests) -> None:
    assert manifests.of("PodDisruptionBudget").keys() == {f"mostread-{name}" for name in SCALED}
    scalers = [
        scaler["spec"]
        for kind in ("HorizontalPodAutoscaler", "ScaledObject")
        for scaler in manifests.of(kind).values()
    ]
    assert sorted(each["scaleTargetRef"]["name"] for each in scalers) == sorted(
        f"mostread-{name}" for name in SCALED
    )
    for spec in scalers:
        workload = manifests.workload(spec["scaleTargetRef"]["name"].removeprefix("mostread-"))
        assert spec["scaleTargetRef"]["kind"] == workload.kind
        least = spec.get("minReplicas") or spec["minReplicaCount"]
        assert 2 <= least <= (spec.get("maxReplicas") or spec["maxReplicaCount"])
        # Otherwise each `apply` would undo the autoscaler.
        assert "replicas" not in workload.spec


def partitions(manifests: Manifests) -> int:
    return int(manifests.environment(manifests.workload("init"))["MOSTREAD_INIT_PARTITIONS"])


def test_aggregators_do_not_exceed_partitions() -> None:
    base, example = built("base"), built(EXAMPLE)
    autoscaler = base.of("HorizontalPodAutoscaler")["mostread-aggregator"]["spec"]
    assert autoscaler["maxReplicas"] == partitions(base)
    scaled = example.of("ScaledObject")["mostread-aggregator"]["spec"]
    assert scaled["maxReplicaCount"] == partitions(example)


def test_keda_reads_the_lag_of_the_aggregators_group_as_the_aggregator() -> None:
    manifests = built(EXAMPLE)
    aggregator = manifests.workload("aggregator")
    environment = manifests.environment(aggregator)
    kafka, cpu = manifests.of("ScaledObject")["mostread-aggregator"]["spec"]["triggers"]
    assert cpu == {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "70"}}
    trigger = kafka["metadata"]
    assert environment[trigger["bootstrapServersFromEnv"]]
    assert trigger["topic"] == KafkaSettings().events_topic
    assert trigger["consumerGroup"] == AggregatorSettings().aggregator_group
    protocol = environment["MOSTREAD_KAFKA_SECURITY_PROTOCOL"]
    assert (protocol, trigger["tls"], trigger["sasl"]) == ("SASL_SSL", "enable", "scram_sha512")
    assert KafkaSettings().kafka_sasl_mechanism == "SCRAM-SHA-512"
    name = kafka["authenticationRef"]["name"]
    identity = manifests.of("TriggerAuthentication")[name]["spec"]
    (user,), (password,), (ca,) = (
        identity[part] for part in ("env", "secretTargetRef", "configMapTargetRef")
    )
    assert environment[user["name"]] == "mostread-aggregator"
    assert user["containerName"] == aggregator.container["name"]
    files = manifests.files(aggregator)
    wanted = {"MOSTREAD_KAFKA_PASSWORD_FILE": password, "MOSTREAD_KAFKA_CA_FILE": ca}
    for setting, reference in wanted.items():
        assert files[setting][1:] == (reference["name"], reference["key"])


def test_aggregator_is_a_static_member_that_outlasts_its_restart(manifests: Manifests) -> None:
    aggregator = manifests.workload("aggregator")
    assert aggregator.kind == "StatefulSet"
    environment = manifests.environment(aggregator)
    # No two pods have it, and a pod keeps it.
    assert environment["MOSTREAD_AGGREGATOR_INSTANCE_ID"] == "metadata.name"
    session = int(environment["MOSTREAD_AGGREGATOR_SESSION_TIMEOUT_SECONDS"])
    assert session > aggregator.pod["terminationGracePeriodSeconds"]
    # Otherwise a pod that does not become ready would hold up all others.
    assert aggregator.spec["podManagementPolicy"] == "Parallel"
    assert aggregator.spec["serviceName"] in manifests.of("Service")

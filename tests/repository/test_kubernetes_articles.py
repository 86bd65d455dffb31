"""The component articles, added to the base as its overlay does."""

import os
import shutil
from collections.abc import Iterator
from uuid import uuid4

import kubernetes_validate
import pytest
import yaml

from mostread.infra.healthcheck import PORTS
from mostread.ops.articles.config import ArticlesSettings
from tests.support.http import operational_paths
from tests.support.manifests import KUBERNETES, Manifests, Workload, built

GUIDE = (KUBERNETES.parents[1] / "docs/how-to/kubernetes.md").read_text()


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manifests]:
    overlay = tmp_path_factory.mktemp(f"overlay-{uuid4().hex[:6]}")
    relative = os.path.relpath(KUBERNETES, overlay)
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": "news",
        "resources": [f"{relative}/base"],
        "components": [f"{relative}/components/articles", f"{relative}/components/pod-monitor"],
        "configMapGenerator": [
            {
                "name": "mostread-feeds",
                "literals": ["MOSTREAD_ARTICLES_FEEDS=https://news.example/feed.xml"],
            }
        ],
    }
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    yield built(os.path.relpath(overlay, KUBERNETES))
    shutil.rmtree(overlay)


@pytest.fixture
def articles(manifests: Manifests) -> Workload:
    (workload,) = [each for each in manifests.workloads if each.service == "articles"]
    return workload


def test_objects_match_the_kubernetes_schemas(manifests: Manifests) -> None:
    for each in manifests.objects:
        if each["kind"] != "PodMonitor":
            kubernetes_validate.validate(each, kubernetes_validate.latest_version(), strict=True)
        if each["kind"] != "Namespace":
            assert each["metadata"]["namespace"] == "news"


def test_pod_is_as_restricted_as_those_of_the_base(
    manifests: Manifests, articles: Workload
) -> None:
    (collector,) = [each for each in manifests.workloads if each.service == "collector"]
    for name in ("securityContext", "serviceAccountName", "automountServiceAccountToken"):
        assert articles.pod[name] == collector.pod[name]
    assert articles.container["securityContext"] == collector.container["securityContext"]
    assert articles.container["image"] == collector.container["image"]


def test_pod_has_valid_settings_and_serves_its_probes(
    manifests: Manifests, articles: Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert articles.container["args"] == ["articles", "sync"]
    for name, value in manifests.environment(articles).items():
        monkeypatch.setenv(name, value)
    settings = ArticlesSettings()
    assert [feed.url for feed in settings.feeds] == ["https://news.example/feed.xml"]
    assert settings.articles_token.get_secret_value()
    (port,) = articles.container["ports"]
    assert (settings.articles_port, settings.articles_host) == (PORTS["articles"], "0.0.0.0")  # noqa: S104
    assert port == {"name": "http", "containerPort": PORTS["articles"]}
    for probe in ("livenessProbe", "readinessProbe"):
        assert articles.container[probe]["httpGet"]["path"] in operational_paths()
    assert manifests.of("Service")["mostread-collector"]
    assert settings.articles_collector_url == "http://mostread-collector"


def test_policies_permit_the_web_and_the_collector_only(manifests: Manifests) -> None:
    policies = manifests.of("NetworkPolicy")
    web, collector = policies["articles"]["spec"]["egress"]
    assert {block["ipBlock"]["cidr"] for block in web["to"]} == {"0.0.0.0/0", "2000::/3"}
    assert "169.254.0.0/16" in web["to"][0]["ipBlock"]["except"]
    assert manifests.selected(collector["to"][0]["podSelector"]) == {"collector"}
    inbound = policies["articles-to-collector"]["spec"]
    assert manifests.selected(inbound["podSelector"]) == {"collector"}
    assert manifests.selected(inbound["ingress"][0]["from"][0]["podSelector"]) == {"articles"}
    monitor = manifests.of("PodMonitor")["mostread"]["spec"]
    assert "articles" in manifests.selected(monitor["selector"])


def test_guide_creates_the_secret_of_the_token(articles: Workload) -> None:
    (variable,) = articles.container["env"]
    secret = variable["valueFrom"]["secretKeyRef"]["name"]
    assert f"create secret generic {secret}" in GUIDE

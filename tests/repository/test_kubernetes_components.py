"""The components articles, editors and notify, added to the base as their overlay does."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import kubernetes_validate
import pytest
import yaml

from mostread.collector.config import CollectorSettings
from mostread.infra.healthcheck import PORTS
from mostread.ops.articles.config import ArticlesSettings
from mostread.ops.notify.config import NotifySettings
from mostread.ranking.config import RankingSettings
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
        "components": [
            f"{relative}/components/{name}"
            for name in ("articles", "editors", "notify", "pod-monitor")
        ],
        "configMapGenerator": [
            {
                "name": "mostread-feeds",
                "literals": ["MOSTREAD_ARTICLES_FEEDS=https://news.example/feed.xml"],
            },
            {
                "name": "mostread-mail",
                "literals": [
                    "MOSTREAD_NOTIFY_SMTP_HOST=smtp.news.example",
                    "MOSTREAD_NOTIFY_SMTP_FROM=mostread@news.example",
                ],
            },
        ],
    }
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    yield built(os.path.relpath(overlay, KUBERNETES))
    shutil.rmtree(overlay)


def workload(manifests: Manifests, name: str) -> Workload:
    return next(each for each in manifests.workloads if each.service == name)


@pytest.fixture
def articles(manifests: Manifests) -> Workload:
    return workload(manifests, "articles")


@pytest.fixture
def notify(manifests: Manifests) -> Workload:
    return workload(manifests, "notify")


def test_objects_match_the_kubernetes_schemas(manifests: Manifests) -> None:
    for each in manifests.objects:
        if each["kind"] != "PodMonitor":
            kubernetes_validate.validate(each, kubernetes_validate.latest_version(), strict=True)
        if each["kind"] != "Namespace":
            assert each["metadata"]["namespace"] == "news"


@pytest.mark.parametrize("name", ["articles", "notify"])
def test_pod_is_as_restricted_as_those_of_the_base(manifests: Manifests, name: str) -> None:
    component, collector = workload(manifests, name), workload(manifests, "collector")
    for field in ("securityContext", "serviceAccountName", "automountServiceAccountToken"):
        assert component.pod[field] == collector.pod[field]
    assert component.container["securityContext"] == collector.container["securityContext"]
    assert component.container["image"] == collector.container["image"]


@pytest.mark.parametrize("name", ["articles", "notify"])
def test_pod_serves_its_probes(manifests: Manifests, name: str) -> None:
    component = workload(manifests, name)
    assert component.container["ports"] == [{"name": "http", "containerPort": PORTS[name]}]
    for probe in ("livenessProbe", "readinessProbe"):
        assert component.container[probe]["httpGet"]["path"] in operational_paths()


def test_articles_have_valid_settings(
    manifests: Manifests, articles: Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert articles.container["args"] == ["articles", "sync"]
    for name, value in manifests.environment(articles).items():
        monkeypatch.setenv(name, value)
    settings = ArticlesSettings()
    assert [feed.url for feed in settings.feeds] == ["https://news.example/feed.xml"]
    assert settings.articles_token.get_secret_value()
    assert (settings.articles_port, settings.articles_host) == (PORTS["articles"], "0.0.0.0")  # noqa: S104
    assert manifests.of("Service")["mostread-collector"]
    assert settings.articles_collector_url == "http://mostread-collector"


def test_notify_has_valid_settings_and_keeps_its_state(
    manifests: Manifests, notify: Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert notify.container["args"] == ["notify"]
    for name, value in manifests.environment(notify).items():
        monkeypatch.setenv(name, value)
    settings = NotifySettings()
    assert settings.notify_host == "0.0.0.0"  # noqa: S104
    assert settings.notify_ranking_url == "http://mostread-ranking"
    assert manifests.of("Service")["mostread-ranking"]
    mounts = {each["name"]: each["mountPath"] for each in notify.container["volumeMounts"]}
    assert str(Path(settings.notify_state_file).parent) == mounts["state"]
    assert str(Path(settings.notify_subscriptions_file).parent) == mounts["subscriptions"]
    volumes = {each["name"]: each for each in notify.pod["volumes"]}
    claim = volumes["state"]["persistentVolumeClaim"]["claimName"]
    assert manifests.of("PersistentVolumeClaim")[claim]
    deployment = manifests.of("Deployment")["mostread-notify"]["spec"]
    assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})
    guide = (KUBERNETES.parents[1] / "docs/how-to/notifications.md").read_text()
    assert f"create secret generic {volumes['subscriptions']['secret']['secretName']}" in guide


def test_editors_decide_through_the_ranking_service(
    manifests: Manifests, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranking, collector = workload(manifests, "ranking"), workload(manifests, "collector")
    for each in (ranking, collector):
        for name, value in manifests.environment(each).items():
            monkeypatch.setenv(name, value)
    settings = RankingSettings()
    assert settings.ranking_collector_url == "http://mostread-collector"
    assert settings.ranking_session_secret == CollectorSettings().collector_session_secret
    folder = str(Path(settings.ranking_tokens_file).parent)
    (mount,) = [each for each in ranking.container["volumeMounts"] if each["mountPath"] == folder]
    assert mount in collector.container["volumeMounts"]
    (tokens,) = [volume for volume in ranking.pod["volumes"] if volume["name"] == "tokens"]
    assert tokens in collector.pod["volumes"]
    policies = manifests.of("NetworkPolicy")
    out, into = policies["decisions"]["spec"], policies["decisions-to-collector"]["spec"]
    assert manifests.selected(out["podSelector"]) == {"ranking"}
    assert manifests.selected(out["egress"][0]["to"][0]["podSelector"]) == {"collector"}
    assert manifests.selected(into["podSelector"]) == {"collector"}
    assert manifests.selected(into["ingress"][0]["from"][0]["podSelector"]) == {"ranking"}
    assert "create secret generic mostread-editors" in GUIDE


def test_policies_permit_notify_the_web_and_the_ranking_only(manifests: Manifests) -> None:
    policies = manifests.of("NetworkPolicy")
    web, ranking = policies["notify"]["spec"]["egress"]
    assert {block["ipBlock"]["cidr"] for block in web["to"]} == {"0.0.0.0/0", "2000::/3"}
    assert "169.254.0.0/16" in web["to"][0]["ipBlock"]["except"]
    assert manifests.selected(ranking["to"][0]["podSelector"]) == {"ranking"}
    inbound = policies["notify-to-ranking"]["spec"]
    assert manifests.selected(inbound["podSelector"]) == {"ranking"}
    assert manifests.selected(inbound["ingress"][0]["from"][0]["podSelector"]) == {"notify"}
    monitor = manifests.of("PodMonitor")["mostread"]["spec"]
    assert "notify" in manifests.selected(monitor["selector"])


def test_policies_permit_articles_the_web_and_the_collector_only(manifests: Manifests) -> None:
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

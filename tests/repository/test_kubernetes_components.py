"""The components articles, editors, keda and notify, added to the base as their overlay does.

The example contains the others.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import kubernetes_validate
import pytest
import yaml

from mostread.collector.config import CollectorSettings
from mostread.infra.healthcheck import PORTS
from mostread.ops.articles.config import ArticlesSettings
from mostread.ops.canary.config import CanarySettings
from mostread.ops.notify.config import NotifySettings
from mostread.ranking.config import RankingSettings
from tests.support.commands import check_parses
from tests.support.http import operational_paths
from tests.support.manifests import EXAMPLE, KUBERNETES, Manifests, Workload, built
from tests.support.tools import tool
from tools.prometheus_rule import RULE, prometheus_rule

DEPLOY = KUBERNETES.parent
GUIDE = (DEPLOY.parent / "docs/how-to/kubernetes.md").read_text()


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
            for name in ("articles", "editors", "keda", "notify", "prometheus")
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
                    "MOSTREAD_NOTIFY_SMTP_USER=mostread",
                    "MOSTREAD_NOTIFY_SMTP_PASSWORD_FILE=/etc/mostread/secrets/smtp-password",
                ],
            },
        ],
    }
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    yield built(os.path.relpath(overlay, KUBERNETES))
    shutil.rmtree(overlay)


def configure(
    manifests: Manifests, workload: Workload, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Set the environment of a container, with its files in a folder."""
    passed = manifests.environment(workload)
    for name, source in manifests.files(workload).items():
        file = folder / f"{source.name}-{source.key}"
        file.write_text(f"{source.name} {source.key}".ljust(32, "."))
        passed[name] = str(file)
    for name, value in passed.items():
        monkeypatch.setenv(name, value)


def test_objects_match_the_kubernetes_schemas(manifests: Manifests) -> None:
    for each in manifests.objects:
        if each["kind"] not in {"PodMonitor", "PrometheusRule", "ScaledObject"}:
            kubernetes_validate.validate(each, kubernetes_validate.latest_version(), strict=True)
        if each["kind"] != "Namespace":
            assert each["metadata"]["namespace"] == "news"


@pytest.mark.parametrize("name", ["articles", "notify"])
def test_pod_is_as_restricted_as_those_of_the_base(manifests: Manifests, name: str) -> None:
    component, collector = manifests.workload(name), manifests.workload("collector")
    for field in ("securityContext", "serviceAccountName", "automountServiceAccountToken"):
        assert component.pod[field] == collector.pod[field]
    assert component.container["securityContext"] == collector.container["securityContext"]
    assert component.container["image"] == collector.container["image"]


@pytest.mark.parametrize("name", ["articles", "notify"])
def test_pod_serves_its_probes(manifests: Manifests, name: str) -> None:
    component = manifests.workload(name)
    assert component.container["ports"] == [{"name": "http", "containerPort": PORTS[name]}]
    for probe in ("livenessProbe", "readinessProbe"):
        assert component.container[probe]["httpGet"]["path"] in operational_paths()


@pytest.mark.parametrize("name", ["articles", "canary", "notify"])
def test_one_pod_at_a_time_runs(manifests: Manifests, name: str) -> None:
    spec = (built(EXAMPLE) if name == "canary" else manifests).workload(name).spec
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_articles_have_valid_settings(
    manifests: Manifests, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    articles = manifests.workload("articles")
    assert articles.container["args"] == ["articles", "sync"]
    configure(manifests, articles, tmp_path, monkeypatch)
    settings = ArticlesSettings()
    assert [feed.url for feed in settings.feeds] == ["https://news.example/feed.xml"]
    assert settings.articles_token.get_secret_value().startswith("mostread-articles token")
    assert (settings.articles_port, settings.articles_host) == (PORTS["articles"], "0.0.0.0")  # noqa: S104
    assert manifests.of("Service")["mostread-collector"]
    assert settings.articles_collector_url == "http://mostread-collector"
    assert "create secret generic mostread-articles --from-literal=token=" in GUIDE


def test_canary_watches_the_public_addresses(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    manifests = built(EXAMPLE)
    configure(manifests, manifests.workload("canary"), tmp_path, monkeypatch)
    settings = CanarySettings()
    hosts = {
        rule["host"] for each in manifests.of("Ingress").values() for rule in each["spec"]["rules"]
    }
    assert {settings.canary_collector_url, settings.canary_ranking_url} == {
        f"https://{host}" for host in hosts
    }
    assert settings.canary_token.get_secret_value().startswith("mostread-canary token")


def test_notify_has_valid_settings_and_keeps_its_state(
    manifests: Manifests, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    notify = manifests.workload("notify")
    assert notify.container["args"] == ["notify"]
    configure(manifests, notify, tmp_path, monkeypatch)
    settings = NotifySettings()
    assert settings.notify_host == "0.0.0.0"  # noqa: S104
    assert settings.notify_ranking_url == "http://mostread-ranking"
    assert settings.notify_smtp_password.get_secret_value().startswith("mostread-notify smtp")
    assert manifests.of("Service")["mostread-ranking"]
    mounts = {each["name"]: each["mountPath"] for each in notify.container["volumeMounts"]}
    assert str(Path(settings.notify_state_file).parent) == mounts["state"]
    volumes = {each["name"]: each for each in notify.pod["volumes"]}
    claim = volumes["state"]["persistentVolumeClaim"]["claimName"]
    assert manifests.of("PersistentVolumeClaim")[claim]
    guide = (DEPLOY.parent / "docs/how-to/notifications.md").read_text()
    for source in manifests.files(notify).values():
        assert source.name == "mostread-notify"
        assert re.search(rf"secret generic {source.name} [^`]*--from-\w+={source.key}=", guide)


def test_editors_decide_through_the_ranking_service(
    manifests: Manifests, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ranking, collector = manifests.workload("ranking"), manifests.workload("collector")
    for each in (ranking, collector):
        configure(manifests, each, tmp_path, monkeypatch)
    settings = RankingSettings()
    assert settings.ranking_collector_url == "http://mostread-collector"
    assert settings.ranking_session_secret == CollectorSettings().collector_session_secret
    tokens = manifests.files(ranking)["MOSTREAD_RANKING_TOKENS_FILE"]
    assert tokens == manifests.files(collector)["MOSTREAD_COLLECTOR_TOKENS_FILE"]
    # Not the collector's other secrets.
    assert {source.key for source in manifests.files(ranking).values()} == {
        "clickhouse-password",
        "session-secret",
        "tokens",
    }
    policies = manifests.of("NetworkPolicy")
    out, into = policies["decisions"]["spec"], policies["decisions-to-collector"]["spec"]
    assert manifests.selected(out["podSelector"]) == {"ranking"}
    assert manifests.selected(out["egress"][0]["to"][0]["podSelector"]) == {"collector"}
    assert manifests.selected(into["podSelector"]) == {"collector"}
    assert manifests.selected(into["ingress"][0]["from"][0]["podSelector"]) == {"ranking"}
    assert "create secret generic mostread-editors" in GUIDE


@pytest.mark.parametrize(
    ("name", "inside", "back"),
    [
        ("articles", {"collector"}, "articles-to-collector"),
        ("canary", {"collector", "ranking"}, "canary-to-services"),
        ("notify", {"ranking"}, "notify-to-ranking"),
    ],
)
def test_policies_permit_the_web_and_the_services_that_are_needed(
    manifests: Manifests, name: str, inside: set[str], back: str
) -> None:
    overlay = built(EXAMPLE) if name == "canary" else manifests
    policies = overlay.of("NetworkPolicy")
    web, services = policies[name]["spec"]["egress"]
    assert {block["ipBlock"]["cidr"] for block in web["to"]} == {"0.0.0.0/0", "2000::/3"}
    private = {"10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"}
    assert private < set(web["to"][0]["ipBlock"]["except"])
    assert overlay.selected(services["to"][0]["podSelector"]) == inside
    inbound = policies[back]["spec"]
    assert overlay.selected(inbound["podSelector"]) == inside
    assert overlay.selected(inbound["ingress"][0]["from"][0]["podSelector"]) == {name}
    monitor = overlay.of("PodMonitor")["mostread"]["spec"]
    assert name in overlay.selected(monitor["selector"])


def test_keda_without_tls_uses_no_credentials(manifests: Manifests) -> None:
    kafka, _ = manifests.of("ScaledObject")["mostread-aggregator"]["spec"]["triggers"]
    assert "authenticationRef" not in kafka
    assert not {"tls", "sasl"} & kafka["metadata"].keys()
    assert "mostread-aggregator" not in manifests.of("HorizontalPodAutoscaler")


def test_prometheus_rule_contains_the_rules_of_prometheus(manifests: Manifests) -> None:
    assert RULE.read_text() == prometheus_rule(), "run `make rules`"
    groups = [
        group
        for file in ("recording.yml", "alerts.yml")
        for group in yaml.safe_load((DEPLOY / "prometheus" / file).read_text())["groups"]
    ]
    assert manifests.of("PrometheusRule")["mostread"]["spec"] == {"groups": groups}


def test_dashboards_are_found_by_the_sidecar_of_grafana() -> None:
    maps = [each for each in built(EXAMPLE).objects if "dashboard" in each["metadata"]["name"]]
    for each in maps:
        assert each["metadata"]["labels"] == {"grafana_dashboard": "1"}
    content = {name: text for each in maps for name, text in each["data"].items()}
    boards = (DEPLOY / "grafana/dashboards").glob("*.json")
    assert content == {file.name: file.read_text() for file in boards}


def test_scheduled_commands_run_and_others_wait() -> None:
    cron_jobs = built(EXAMPLE).of("CronJob")
    waiting = {name for name, each in cron_jobs.items() if each["spec"].get("suspend")}
    assert waiting == {"mostread-rebuild", "mostread-forget"}
    for name, each in cron_jobs.items():
        assert each["spec"]["concurrencyPolicy"] == "Forbid"
        assert f"`{name}`" in GUIDE
        hour, minute = each["spec"]["schedule"].split()[1], each["spec"]["schedule"].split()[0]
        assert name in waiting or f"{hour}:{minute} UTC" in GUIDE


def test_backups_are_in_a_volume() -> None:
    manifests = built(EXAMPLE)
    backup = manifests.workload("backup")
    mounts = {each["name"]: each["mountPath"] for each in backup.container["volumeMounts"]}
    volumes = {each["name"]: each for each in backup.pod["volumes"]}
    claim = volumes["backups"]["persistentVolumeClaim"]["claimName"]
    assert manifests.of("PersistentVolumeClaim")[claim]
    assert any(each.startswith(mounts["backups"]) for each in backup.container["args"])


def test_guide_starts_a_command_with_arguments() -> None:
    """The patch of the guide, applied to the Job that kubectl would create."""
    text = GUIDE.replace("\\\n", " ")
    (patch,) = re.findall(r"--patch='(\[.*?\])'", text, re.DOTALL)
    template = built(EXAMPLE).of("CronJob")["mostread-forget"]["spec"]["jobTemplate"]["spec"]
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"}, "spec": template}
    command = [tool("kubectl"), "patch", "--local", "-f", "-", "-o", "json", "--type=json", "-p"]
    done = subprocess.run(
        [*command, patch], input=json.dumps(job), capture_output=True, text=True, check=True
    )
    (container,) = json.loads(done.stdout)["spec"]["template"]["spec"]["containers"]
    check_parses(container["args"])
    assert container["args"][0] == "forget"

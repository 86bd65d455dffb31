"""`mostread notify` as a process, on a real ranking service, webhook and mail server."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from mostread.devstack.servers.clickhouse import LocalClickHouse
from mostread.infra.clickhouse.client import connect
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.clickhouse.migrations import migrate
from tests.support.ranking import FIRST, Counted
from tests.support.receivers import MailServer, Webhook, mail_server, webhook
from tests.support.servers import free_ports
from tests.support.system import Service, wait_until

SUBSCRIPTIONS = """
[[subscription]]
name = "City desk"
site = "{site}"
sections = ["City"]
alerts = ["rises", "falls"]
top = 2
min_views = 60
webhook = "{url}"

[[subscription]]
name = "Digest"
site = "{site}"
digest_at = "00:00"
timezone = "{zone}"
lang = "kk"
mail = ["desk@news.example", "chief@news.example"]
"""


@dataclass
class Newsroom:
    """A site with a ranking service, and the servers that receive its messages."""

    counted: Counted
    ranking: Service
    hook: Webhook
    mail: MailServer
    directory: Path
    services: list[Service] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "MOSTREAD_NOTIFY_RANKING_URL": self.ranking.url,
            "MOSTREAD_NOTIFY_PUBLIC_URL": "https://mostread.example",
            "MOSTREAD_NOTIFY_SUBSCRIPTIONS_FILE": str(self.directory / "notify.toml"),
            "MOSTREAD_NOTIFY_STATE_FILE": str(self.directory / "notify.sqlite3"),
            "MOSTREAD_NOTIFY_INTERVAL_SECONDS": "1",
            "MOSTREAD_NOTIFY_SMTP_HOST": "127.0.0.1",
            "MOSTREAD_NOTIFY_SMTP_PORT": str(self.mail.port),
            "MOSTREAD_NOTIFY_SMTP_SECURITY": "none",
            "MOSTREAD_NOTIFY_SMTP_FROM": "mostread@news.example",
        }

    def start(self) -> Service:
        service = Service("notify", self.environment, self.directory).start()
        self.services.append(service)
        return service

    def view(self, article_id: str, views: int) -> None:
        """Count views now."""
        self.counted.rows.clear()
        self.counted.event(article_id, datetime.now(UTC), views=views)
        self.counted.write()

    def reported(self) -> list[tuple[str, str]]:
        """Return the kind and article of each alert that the webhook has received."""
        return [
            (alert["kind"], alert["story"]["article_id"])
            for body in self.hook.bodies
            for alert in body["alerts"]
        ]


def another_zone() -> str:
    """Return a zone in which midnight passed hours ago, whatever the time is."""
    hour = datetime.now(UTC).hour
    return "Etc/UTC" if 3 <= hour < 22 else "Etc/GMT-8"


@pytest.fixture
def newsroom(
    clickhouse: LocalClickHouse, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Newsroom]:
    database = f"notify_{uuid4().hex[:8]}"
    settings = ClickHouseSettings(clickhouse_url=clickhouse.url, clickhouse_database=database)
    migrate(settings)
    client = connect(settings)
    counted = Counted(client, re.sub("[^a-z]+", "-", request.node.name)[:30])
    ahead = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=5)
    counted.progress(ahead, 0, 1, FIRST)
    for number in range(4):
        counted.article(f"a{number}", section="City", published_at=0)
    ranking = Service(
        "ranking",
        {
            "MOSTREAD_CLICKHOUSE_URL": clickhouse.url,
            "MOSTREAD_CLICKHOUSE_DATABASE": database,
        },
        tmp_path,
    ).start()
    with webhook() as hook, mail_server(free_ports(1)[0]) as mail:
        (tmp_path / "notify.toml").write_text(
            SUBSCRIPTIONS.format(site=counted.site, url=hook.url, zone=another_zone())
        )
        room = Newsroom(counted, ranking.wait_ready(), hook, mail, tmp_path)
        yield room
        for service in (*room.services, ranking):
            if service.running():
                service.kill()
    client.close()


def test_each_alert_and_digest_is_sent_once_over_crashes_and_restarts(newsroom: Newsroom) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    newsroom.counted.event("a3", yesterday.replace(hour=12), views=30)
    newsroom.counted.event("a3", yesterday.replace(hour=12) - timedelta(days=1), views=20)
    newsroom.counted.write()
    newsroom.view("a0", 50)
    newsroom.view("a1", 40)
    newsroom.hook.statuses = [503]
    newsroom.hook.answer_headers = {"Retry-After": "3600"}
    notify = newsroom.start()
    wait_until(lambda: len(newsroom.mail.mails) == 2, "the digest is mailed")
    wait_until(lambda: len(newsroom.hook.bodies) == 1, "the alerts are sent")
    wait_until(lambda: notify.sum("mostread_notify_delays_total") == 1, "the alerts are refused")
    assert newsroom.reported() == [("rises", "a0"), ("rises", "a1")]
    notify.kill()

    newsroom.hook.bodies.clear()
    notify = newsroom.start()
    wait_until(lambda: len(newsroom.hook.bodies) == 1, "the alerts arrive after the crash")
    notify.wait_ready()
    second = newsroom.start()
    wait_until(lambda: not second.running(), "a second process ends")
    assert second.stop() == 1
    assert "another process uses it" in second.log.read_text()

    newsroom.view("a2", 60)  # ahead of both
    wait_until(lambda: len(newsroom.hook.bodies) == 2, "the change arrives")
    assert newsroom.reported()[2:] == [("rises", "a2"), ("falls", "a1")]
    assert notify.stop() == 0

    notify = newsroom.start().wait_ready()
    looked = 'mostread_notify_last_success_timestamp_seconds{subscription="City desk"}'
    since = notify.metric(looked)
    wait_until(lambda: notify.metric(looked) > since + 2, "the lists are read again")
    assert len(newsroom.hook.bodies) == 2
    assert sorted(to for to, _ in newsroom.mail.mails) == [
        "chief@news.example",
        "desk@news.example",
    ]
    assert "secret" not in notify.log.read_text()
    text = newsroom.mail.mails[0][1].get_body(("plain",))
    assert text is not None
    assert "30 қаралым" in text.get_content()
    assert "+50%" in text.get_content()


def test_hidden_article_does_not_fall_and_pinned_one_does_not_rise(newsroom: Newsroom) -> None:
    for hours in range(2, 24):
        newsroom.counted.event("a0", datetime.now(UTC) - timedelta(hours=hours), views=3)
    newsroom.counted.write()
    for number in range(3):
        newsroom.view(f"a{number}", 80 - 30 * number)
    notify = newsroom.start()
    wait_until(lambda: len(newsroom.hook.bodies) == 1, "the first articles rise")
    first, second = newsroom.hook.bodies[0]["alerts"]
    assert (first["rank"], second["rank"], second["times"]) == (1, 2, None)
    assert first["times"] > 4
    notify.wait_ready()
    newsroom.counted.decision("a3", pinned=1, decided_at=datetime.now(UTC))
    newsroom.counted.decision("a0", hidden=True, decided_at=datetime.now(UTC))
    wait_until(lambda: ("rises", "a2") in newsroom.reported(), "the next one takes its place")
    newsroom.view("a3", 100)
    wait_until(lambda: ("falls", "a2") in newsroom.reported(), "another one falls")
    assert ("falls", "a0") not in newsroom.reported()
    assert newsroom.reported().index(("rises", "a3")) > newsroom.reported().index(("rises", "a2"))


def test_sample_reaches_everybody_and_names_who_cannot_be_reached(newsroom: Newsroom) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "mostread", "notify", *arguments]
        env: dict[str, Any] = {**os.environ, **newsroom.environment}
        return subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=120, check=False
        )

    done = run("--test")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "City desk: webhook 127.0.0.1: sent\n"
        "Digest: desk@news.example: sent\n"
        "Digest: chief@news.example: sent\n"
    )
    assert newsroom.hook.bodies[0]["is_test"]
    # It asks for digests only.
    assert newsroom.mail.mails[0][1]["Subject"].endswith(": ең көп оқылғандар")
    newsroom.hook.statuses = [404]
    failed = run("--test", "--only", "City desk")
    assert failed.returncode == 1
    assert failed.stderr == (
        "mostread: City desk: webhook 127.0.0.1: the server responded 404: no_service\n"
    )
    assert len(newsroom.mail.mails) == 2

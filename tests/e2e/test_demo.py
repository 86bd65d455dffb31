"""`mostread demo` on an empty directory, then on the same directory again."""

import os
import re
import subprocess
import urllib.request
from pathlib import Path

from mostread.devstack.data_dir import DataDir
from mostread.devstack.demo.scenario import load_articles
from mostread.devstack.ports import Ports
from mostread.devstack.servers.kafka import LocalKafka
from mostread.infra.kafka import topics
from mostread.infra.kafka.config import KafkaSettings
from tests.support.demo import MOSTREAD, demo
from tests.support.servers import free_base

EXACT = "The list is exactly as expected: order, counts in 24 hours, and totals.\n"
TEN = load_articles().counted
HEADLINE = re.compile(r"<h2><a [^>]*><bdi[^>]*>(.*?)</bdi>.*?<dl[^>]*>(.*?)</dl>", re.DOTALL)
NUMBER = re.compile(r"<dd>(.*?)</dd>")


def page(ports: Ports) -> list[tuple[str, list[str]]]:
    """Headlines at / in their order, each with its three numbers."""
    with urllib.request.urlopen(f"http://127.0.0.1:{ports.ranking}/") as answer:
        text = answer.read().decode()
    return [
        (title, [re.sub(r"\D", "", number) for number in NUMBER.findall(numbers)])
        for title, numbers in HEADLINE.findall(text)
    ]


def test_demo_twice_on_one_directory(tmp_path: Path) -> None:
    data, ports = tmp_path / "data", Ports(free_base())
    table = [
        (article.title, [str(number) for number in (total.views, total.comments, total.likes)])
        for article in TEN
        for total in [article.total]
    ]

    with demo(data, ports, "--no-traffic") as (process, output):
        assert "Sending 30989 views, comments and likes to the collector" in output
        assert EXACT in output
        assert f"http://127.0.0.1:{ports.ranking}/\n" in output
        rows = [line.split() for line in output.splitlines() if re.match(r" *\d+ +\d+ ", line)]
        assert [row[0] for row in rows] == [str(rank) for rank in range(1, 11)]
        assert page(ports) == table
        process.terminate()
        assert process.wait() == 0

    with demo(data, ports) as (process, output):
        assert "nothing is loaded again" in output
        assert EXACT in output
        assert page(ports) == table
        ended = subprocess.run(
            [*MOSTREAD, "down", f"--data={data}"], capture_output=True, text=True, check=False
        )
        assert (ended.returncode, ended.stdout.splitlines()[-1]) == (0, "Stopped.")
        assert process.stdout
        assert process.stdout.read().splitlines()[-1] == "Stopped."
        assert process.wait() == 0
    assert not DataDir(data).is_running()


def test_demo_on_an_existing_kafka_without_a_maven_repository(
    tmp_path: Path, kafka: LocalKafka
) -> None:
    nowhere = {
        "XDG_CACHE_HOME": str(tmp_path / "empty"),
        "https_proxy": "http://127.0.0.1:9",
        "no_proxy": "",
    }
    ports = Ports(free_base())
    refused = subprocess.run(
        [*MOSTREAD, "demo", f"--data={tmp_path / 'data'}", f"--ports={ports.base}", "--no-traffic"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | nowhere,
    )
    assert refused.returncode == 1
    assert "could not be fetched from Maven Central" in refused.stderr
    (offer,) = [line for line in refused.stderr.splitlines() if "BROKERS=host:port" in line]

    # Run the command that it prints.
    setting, _, command = offer.strip().partition(" ")
    assert command.startswith("mostread demo ")
    named = {setting.partition("=")[0]: kafka.brokers, "MOSTREAD_KAFKA_TOPIC_PREFIX": "demo-own."}
    with demo(tmp_path / "data", ports, "--no-traffic", **nowhere, **named) as (process, output):
        assert f"Using the Kafka at {kafka.brokers}; none is started." in output
        assert EXACT in output
        assert not (tmp_path / "empty").exists() or not list(tmp_path.glob("empty/*/*/*.jar"))
        assert not (tmp_path / "data" / "kafka" / "log").exists()
        with topics.admin(KafkaSettings(kafka_brokers=kafka.brokers)) as client:
            made = [name for name in client.list_topics() if name.startswith("demo-own.")]
        assert sorted(made) == ["demo-own.articles", "demo-own.dead-letters", "demo-own.events"]
        process.terminate()
        assert process.wait() == 0
    assert kafka.is_ready()

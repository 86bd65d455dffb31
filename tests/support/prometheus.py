"""Prometheus with the rules of deploy/prometheus, scraping the services of a test."""

import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.support.servers import free_ports
from tests.support.system import Service, wait_until
from tests.support.tools import tool

DEPLOYED = Path(__file__).parents[2] / "deploy/prometheus"
DAY = 86_400


class Prometheus:
    """Scrapes `services` and evaluates rules every second; alerts are pending for `PENDING`.

    Only these times and the targets differ from deploy/prometheus.
    """

    PENDING = "2s"

    def __init__(self, services: Sequence[Service], directory: Path) -> None:
        self._directory = directory
        self._log = directory / "prometheus.log"
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        config = yaml.safe_load((DEPLOYED / "prometheus.yml").read_text())
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        for job in config["scrape_configs"]:
            del job["dns_sd_configs"]
            targets = [f"127.0.0.1:{s.port}" for s in services if s.name == job["job_name"]]
            job["static_configs"] = [{"targets": targets}]
        (directory / "prometheus.yml").write_text(yaml.safe_dump(config))
        for name in config["rule_files"]:
            rules = yaml.safe_load((DEPLOYED / name).read_text())
            for group in rules["groups"]:
                for rule in group["rules"]:
                    if "for" in rule:
                        rule["for"] = self.PENDING
            (directory / name).write_text(yaml.safe_dump(rules))
        self._argv = [
            tool("prometheus"),
            f"--config.file={directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def add_yesterday(self, metric: str, value: float) -> None:
        """Store samples of a metric from a day ago. Call it before `start`."""
        day_ago = int(time.time()) - DAY
        samples = [f"{metric} {value} {at}" for at in range(day_ago - 600, day_ago + 3600, 60)]
        text = "\n".join([f"# TYPE {metric} gauge", *samples, "# EOF\n"])
        file = self._directory / "yesterday.txt"
        file.write_text(text)
        subprocess.run(
            [
                *(tool("promtool"), "tsdb", "create-blocks-from", "openmetrics"),
                *(str(file), str(self._directory / "data")),
            ],
            check=True,
            capture_output=True,
        )

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._argv, stdout=log, stderr=log)
        wait_until(self._is_ready, f"Prometheus is ready; its log:\n{self._log.read_text()}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)

    def query(self, path: str, **parameters: str) -> Any:
        """Return `data` of an API response; fail the test on an error."""
        query = urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(
                f"{self.url}/api/v1/{path}?{query}", timeout=30
            ) as response:
                return json.loads(response.read())["data"]
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{parameters}: {error.read().decode()}") from error

    def values(self, expression: str) -> list[float]:
        """Return the current values of an expression, one per series, without NaN."""
        results = self.query("query", query=expression)["result"]
        numbers = (float(series["value"][1]) for series in results)
        return [number for number in numbers if number == number]  # noqa: PLR0124  NaN is not

    def alerts(self, *states: str) -> set[str]:
        """Return the names of the alerts in one of these states: pending, firing."""
        results = self.query("alerts")["alerts"]
        return {alert["labels"]["alertname"] for alert in results if alert["state"] in states}

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as response:
                return bool(response.status == 200)
        except OSError:
            return False

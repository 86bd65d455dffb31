"""The output of `kubectl kustomize` for deploy/kubernetes, as plain objects."""

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

from tests.support.tools import tool

KUBERNETES = Path(__file__).parents[2] / "deploy/kubernetes"

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Workload:
    """A Deployment, a StatefulSet or a Job, whose pods have one container."""

    name: str
    kind: str
    spec: dict[str, Any]

    @property
    def template(self) -> dict[str, Any]:
        value: dict[str, Any] = self.spec["template"]
        return value

    @property
    def pod(self) -> dict[str, Any]:
        value: dict[str, Any] = self.template["spec"]
        return value

    @property
    def labels(self) -> Labels:
        value: Labels = self.template["metadata"]["labels"]
        return value

    @property
    def container(self) -> dict[str, Any]:
        (value,) = self.pod["containers"]
        assert isinstance(value, dict)
        return value

    @property
    def service(self) -> str:
        """Return the name of the service that `mostread` runs."""
        value, *_ = self.container["args"]
        return str(value)


class Manifests:
    """All objects of one kustomization."""

    def __init__(self, objects: list[dict[str, Any]]) -> None:
        self.objects = objects

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the objects of a kind by their names."""
        return {each["metadata"]["name"]: each for each in self.objects if each["kind"] == kind}

    @cached_property
    def workloads(self) -> list[Workload]:
        return [
            Workload(name, kind, value["spec"])
            for kind in ("Job", "Deployment", "StatefulSet")
            for name, value in self.of(kind).items()
        ]

    def environment(self, workload: Workload) -> dict[str, str]:
        """Return a container's variables from ConfigMaps.

        A Secret is a text of 32 characters, and a field of the pod its path.
        """
        value: dict[str, str] = {}
        for source in workload.container["envFrom"]:
            value |= self.of("ConfigMap")[source["configMapRef"]["name"]]["data"]
        for variable in workload.container.get("env", []):
            field = variable["valueFrom"].get("fieldRef")
            value[variable["name"]] = field["fieldPath"] if field else "s" * 32
        return value

    def selected(self, selector: Mapping[str, Any]) -> set[str]:
        """Return the services whose pods a label selector matches."""
        return {each.service for each in self.workloads if matches(selector, each.labels)}

    def reaching(self, service: str, direction: str) -> Iterator[tuple[str, int | str]]:
        """Yield the namespaces and ports that policies allow for a service's pods."""
        peers, rules = ("from", "ingress") if direction == "Ingress" else ("to", "egress")
        for policy in self.of("NetworkPolicy").values():
            spec = policy["spec"]
            if service in self.selected(spec["podSelector"]):
                for rule in spec.get(rules, []):
                    for peer in rule[peers]:
                        (namespace,) = peer["namespaceSelector"]["matchLabels"].values()
                        for port in rule["ports"]:
                            yield namespace, port["port"]


def matches(selector: Mapping[str, Any], labels: Labels) -> bool:
    """Return whether a selector (`matchLabels`, or the operator In) matches labels."""
    assert selector.keys() <= {"matchLabels", "matchExpressions"}
    for each in selector.get("matchExpressions", []):
        assert each["operator"] == "In"
        if labels.get(each["key"]) not in each["values"]:
            return False
    return bool(selector.get("matchLabels", {}).items() <= labels.items())


@cache
def built(kustomization: str) -> Manifests:
    """Return the objects of a folder of deploy/kubernetes."""
    build = [tool("kubectl"), "kustomize", str(KUBERNETES / kustomization)]
    result = subprocess.run(build, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert not result.stderr, result.stderr  # deprecation warnings
    return Manifests(list(yaml.safe_load_all(result.stdout)))

"""The output of `kubectl kustomize` for deploy/kubernetes, as plain objects."""

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import yaml

from tests.support.tools import tool

KUBERNETES = Path(__file__).parents[2] / "deploy/kubernetes"
EXAMPLE = "examples/news"

Labels = Mapping[str, str]


class Source(NamedTuple):
    """A key of a Secret or ConfigMap, which a pod sees as a file."""

    kind: str
    name: str
    key: str


@dataclass(frozen=True)
class Workload:
    """A Deployment, a StatefulSet, a Job or a CronJob, whose pods have one container."""

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
        """Return the name of the service or command that `mostread` runs."""
        value, *_ = self.container["args"]
        return str(value)

    @property
    def ends(self) -> bool:
        """Return whether the pods end by themselves."""
        return self.kind in {"Job", "CronJob"}

    def source(self, file: str) -> Source:
        """Return the key of a Secret or ConfigMap that a mounted file shows."""
        path = PurePosixPath(file)
        (mount,) = [
            each
            for each in self.container["volumeMounts"]
            if PurePosixPath(each["mountPath"]) == path.parent
        ]
        assert "subPath" not in mount  # such a file would never change
        assert mount["readOnly"] is True
        (volume,) = [each for each in self.pod["volumes"] if each["name"] == mount["name"]]
        # Certificates are public, so they are in ConfigMaps.
        kind = "configMap" if path.suffix == ".crt" else "secret"
        offered = []
        for part in volume.get("projected", {}).get("sources", [volume]):
            if value := part.get(kind):
                source = Source(kind.lower(), value.get("name") or value["secretName"], path.name)
                if path.name in [item["path"] for item in value.get("items", [])]:
                    return source
                if "items" not in value:
                    offered.append(source)
        (only,) = offered
        return only


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
            Workload(name, kind, (value["spec"].get("jobTemplate") or value)["spec"])
            for kind in ("Job", "CronJob", "Deployment", "StatefulSet")
            for name, value in self.of(kind).items()
        ]

    def workload(self, service: str) -> Workload:
        """Return the workload that runs a service or command."""
        (value,) = [each for each in self.workloads if each.service == service]
        return value

    def environment(self, workload: Workload) -> dict[str, str]:
        """Return a container's variables from ConfigMaps; a field of the pod is its path."""
        value: dict[str, str] = {}
        for source in workload.container["envFrom"]:
            value |= self.of("ConfigMap")[source["configMapRef"]["name"]]["data"]
        for variable in workload.container.get("env", []):
            # A Secret would be visible to every child process, and never change.
            value[variable["name"]] = variable["valueFrom"]["fieldRef"]["fieldPath"]
        return value

    def files(self, workload: Workload) -> dict[str, Source]:
        """Return where the files come from that a container's variables name."""
        return {
            name: workload.source(value)
            for name, value in self.environment(workload).items()
            if value.startswith("/etc/mostread/")
        }

    def selected(self, selector: Mapping[str, Any]) -> set[str]:
        """Return the services and commands whose pods a label selector matches."""
        return {each.service for each in self.workloads if matches(selector, each.labels)}

    def reaching(self, service: str, direction: str) -> Iterator[tuple[dict[str, Any], int | str]]:
        """Yield the peers and ports that policies allow for a service's pods."""
        peers, rules = ("from", "ingress") if direction == "Ingress" else ("to", "egress")
        for policy in self.of("NetworkPolicy").values():
            spec = policy["spec"]
            if service in self.selected(spec["podSelector"]):
                for rule in spec.get(rules, []):
                    for peer in rule[peers]:
                        for port in rule["ports"]:
                            yield peer, port["port"]


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

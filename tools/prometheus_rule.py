"""Write the rules of deploy/prometheus as an object for the Prometheus operator."""

from pathlib import Path
from textwrap import indent

ROOT = Path(__file__).parents[1]
RULE = ROOT / "deploy/kubernetes/components/prometheus/rules.yaml"
_HEAD = """\
# Written by `make rules` from deploy/prometheus; edit the rules there.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: mostread
spec:
  groups:
"""


def prometheus_rule() -> str:
    """Return the PrometheusRule with all recording rules and alerts, as YAML."""
    files = [ROOT / "deploy/prometheus" / name for name in ("recording.yml", "alerts.yml")]
    # The text, not the data, so that comments and line breaks stay.
    groups = [file.read_text().partition("\ngroups:\n")[2] for file in files]
    return _HEAD + "".join(indent(text, "  ") for text in groups)


def main() -> None:
    RULE.write_text(prometheus_rule())


if __name__ == "__main__":
    main()

"""Copies of the retention, deduplication and resend times equal those of core.retention."""

import re
from pathlib import Path

from mostread.client import client
from mostread.core import retention
from mostread.infra.schemas import migrations
from mostread.ops.audit import diff, reference

ROOT = Path(__file__).parents[3]
TRACKER = ROOT / "services/mostread/collector/static/tracker.js"


def test_table_ttls_equal_retention() -> None:
    sql = "\n".join(path.read_text(encoding="utf-8") for path in migrations())
    grains = re.findall(r"window \+ INTERVAL (\d+) DAY DELETE WHERE grain = '(\w+)'", sql)
    assert {grain: int(days) * retention.DAY_SECONDS for days, grain in grains} == {
        "minute": retention.MINUTE_ROW_TTL_SECONDS,
        "hour": retention.HOUR_ROW_TTL_SECONDS,
        "week": retention.HOUR_ROW_TTL_SECONDS,
    }
    [days] = re.findall(r"TTL hour \+ INTERVAL (\d+) DAY DELETE", sql)
    assert int(days) * retention.DAY_SECONDS == retention.VISITOR_SKETCH_TTL_SECONDS


def test_audit_copies_equal_retention() -> None:
    assert diff._TTL_SECONDS == {
        "minute": retention.MINUTE_ROW_TTL_SECONDS,
        "hour": retention.HOUR_ROW_TTL_SECONDS,
        "week": retention.HOUR_ROW_TTL_SECONDS,
    }
    assert reference.DEDUP_MS == retention.DEDUP_REREAD_MS


def test_client_copies_equal_retention() -> None:
    assert client.RESEND_SECONDS == retention.RESEND_LIMIT_SECONDS
    assert client.HALF_HOUR_MS == retention.VIEW_SLOT_MS


def test_tracker_resends_within_resend_limit() -> None:
    script = TRACKER.read_text(encoding="utf-8")
    [limit] = re.findall(r"age\(key\) > (\w+)\) delete store", script)
    assert float(limit) == retention.RESEND_LIMIT_SECONDS * 1000


def test_documented_resend_limit_equals_retention() -> None:
    text = (ROOT / "schemas/collector.openapi.yaml").read_text(encoding="utf-8")
    limits = set(re.findall(r"(\d+) minutes", text))
    assert str(retention.RESEND_LIMIT_SECONDS // 60) in limits


def test_resend_limit_lies_within_dedup_window() -> None:
    assert retention.RESEND_LIMIT_SECONDS * 1000 < retention.DEDUP_WINDOW_MS

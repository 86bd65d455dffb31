"""Retention, deduplication and resend times, which the packages share.

ops.audit keeps copies of its own so that it shares nothing with the counting, and the client
because it imports only the standard library. Tests compare them, the TTLs of the SQL and
tracker.js with the values here.
"""

DAY_SECONDS = 86_400
MINUTE_ROW_TTL_SECONDS = 35 * DAY_SECONDS
HOUR_ROW_TTL_SECONDS = 400 * DAY_SECONDS
VISITOR_SKETCH_TTL_SECONDS = 9 * DAY_SECONDS
"""How long ClickHouse keeps rows after the start of their window: TTLs of 0001_initial.sql."""

DEDUP_BUCKET_MS = 5 * 60 * 1000
DEDUP_BUCKETS = 6
DEDUP_WINDOW_MS = DEDUP_BUCKETS * DEDUP_BUCKET_MS
"""Record time within which a repeated id is always detected; detection ends one bucket later."""

DEDUP_REREAD_MS = DEDUP_WINDOW_MS + DEDUP_BUCKET_MS
"""Record time to reread before an offset, to know every id that a worker knew there."""

RESEND_LIMIT_SECONDS = 25 * 60
"""How long producers may resend an event: within DEDUP_WINDOW_MS, with a margin."""

VIEW_SLOT_MS = 30 * 60 * 1000
"""Derived view ids change with this slot: repeated views within it count once per reader."""

"""The table `forgets`, which lists the control records that were counted."""

from uuid import UUID

from clickhouse_connect.driver.client import Client

from mostread.core.control import Forget
from mostread.errors import ClickHouseUnavailable
from mostread.infra.clickhouse.client import translate_errors

# One row, so that a truncated response never looks like a shorter list.
_FORGETS = """
SELECT arraySort(groupUniqArray((
    partition, offset, toUnixTimestamp64Milli(recorded_at), site, article_id, forget_id,
    forgotten_by
)))
FROM forgets
WHERE topic_id = {topic:UUID}
"""


def read_forgets(client: Client, topic_id: UUID) -> dict[int, list[Forget]]:
    """Return the forgets of a topic by partition, sorted by offset.

    Raises ClickHouseUnavailable or Misconfigured.
    """
    with translate_errors():
        rows = client.query(_FORGETS, parameters={"topic": str(topic_id)}).result_rows
    if len(rows) != 1:  # a proxy truncated the response
        raise ClickHouseUnavailable("ClickHouse sent an incomplete response")
    forgets: dict[int, list[Forget]] = {}
    for partition, *fields in rows[0][0]:
        forgets.setdefault(partition, []).append(Forget(*fields))
    return forgets

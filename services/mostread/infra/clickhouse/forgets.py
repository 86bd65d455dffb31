"""The table `forgets`, which lists the control records that were counted."""

from uuid import UUID

from clickhouse_connect.driver.client import Client

from mostread.core.control import Forget
from mostread.infra.clickhouse.client import query_array

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
    forgets: dict[int, list[Forget]] = {}
    for partition, *fields in query_array(client, _FORGETS, topic=str(topic_id)):
        forgets.setdefault(partition, []).append(Forget(*fields))
    return forgets

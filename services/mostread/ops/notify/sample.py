"""A message with made-up articles, to try the channels."""

from datetime import datetime, timedelta

from mostread.ops.notify.messages import Alert, Digest, EditorMessage, RankedStory, Story
from mostread.ops.notify.subscriptions import Subscription
from mostread.ranking.repository import Counts


def sample_message(subscription: Subscription, public_url: str, now: datetime) -> EditorMessage:
    """Return a message with what a subscription asks for, marked as a test.

    That is an alert of each kind, or else a digest.
    """
    rising, falling, marked = (
        Story(f"sample-{number}", title, None, None, public_url)
        for number, title in enumerate(
            ("New metro line opens tomorrow", "Five recipes for plov", "Win a phone"), start=1
        )
    )
    window = subscription.window
    alerts = [
        Alert("rises", rising, 1204, window, rank=1, previous_rank=14, times=4.2),
        Alert("falls", falling, 87, window, rank=12, previous_rank=7),
        Alert("marked", marked, 640, "24h", top_share=0.81),
    ]
    digest = Digest(
        (now.astimezone(subscription.zone) - timedelta(days=1)).date(),
        totals=Counts(48_120, 310, 905),
        day_before=Counts(45_000, 280, 870),
        week_before=Counts(39_500, 295, 810),
        stories=[
            RankedStory(1, 4, rising, 9_204, 3_100),
            RankedStory(2, 2, falling, 7_051, 7_400),
        ],
    )
    return subscription.message(
        now,
        public_url,
        alerts=[each for each in alerts if each.kind in subscription.alerts],
        digest=None if subscription.alerts else digest,
        is_test=True,
    )

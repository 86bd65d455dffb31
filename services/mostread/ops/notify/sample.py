"""A message with made-up articles, to try the channels."""

from datetime import datetime

from mostread.ops.notify.messages import Alert, EditorMessage, Story
from mostread.ops.notify.subscriptions import Subscription


def sample_message(subscription: Subscription, public_url: str, now: datetime) -> EditorMessage:
    """Return a message with an alert of each kind, marked as a test."""
    stories = [
        Story(f"sample-{number}", title, None, None, public_url)
        for number, title in enumerate(
            ("New metro line opens tomorrow", "Five recipes for plov", "Win a phone"), start=1
        )
    ]
    window = subscription.window
    return subscription.message(
        now,
        public_url,
        alerts=[
            Alert("rises", stories[0], 1204, window, rank=1, previous_rank=14, times=4.2),
            Alert("falls", stories[1], 87, window, rank=12, previous_rank=7),
            Alert("marked", stories[2], 640, "24h", top_share=0.81),
        ],
        is_test=True,
    )

"""The file of subscriptions: defaults, and errors that name the entry."""

from datetime import time
from pathlib import Path

import pytest

from mostread.errors import Misconfigured
from mostread.ops.notify.subscriptions import Subscription, read_subscriptions
from mostread.ops.notify.targets import all_targets

SLACK = "https://hooks.slack.com/services/T0/B0/secret"


def read(tmp_path: Path, text: str, *, mail: bool = True) -> list[Subscription]:
    file = tmp_path / "notify.toml"
    file.write_text(text)
    return list(read_subscriptions(str(file), mail=mail))


def test_subscription_has_usual_values_for_what_is_absent(tmp_path: Path) -> None:
    (subscription,) = read(
        tmp_path,
        f"""
        [[subscription]]
        name = "City desk"
        alerts = ["rises", "falls"]
        slack = "{SLACK}"
        """,
    )
    assert subscription.alerts == {"rises", "falls"}
    assert (subscription.site, subscription.sections, subscription.lang) == ("default", (), "en")
    assert (subscription.window, subscription.top, subscription.times) == ("1h", 10, 4.0)
    assert (subscription.repeat_hours, subscription.digest_at) == (6, None)


@pytest.mark.parametrize("written", ['"08:30"', "08:30:00"], ids=["text", "time"])
def test_hour_of_digest_is_text_or_a_time_of_toml(tmp_path: Path, written: str) -> None:
    (subscription,) = read(
        tmp_path,
        f"""
        [[subscription]]
        name = "Digest"
        digest_at = {written}
        timezone = "Asia/Almaty"
        mail = ["a@news.example", "b@news.example", "a@news.example"]
        """,
    )
    assert subscription.digest_at == time(8, 30)
    assert subscription.zone.key == "Asia/Almaty"
    assert [each.address for each in all_targets([subscription])] == [
        "a@news.example",
        "b@news.example",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "subscription: Field required"),
        ("subscription = []", "at least 1"),
        ("[[subscription]\n", "is not a TOML file"),
        ("subscriptions = 1", "subscription: Field required"),
        ('[[subscription]]\nalerts = ["rises"]', "subscription number 1: name: Field required"),
        ('[[subscription]]\nname = "x"\nslack = "https://x"', "'x': it asks for nothing"),
        ('[[subscription]]\nname = "x"\ndigest_at = "08:00"', "'x': it names nobody to tell"),
        ('[[subscription]]\nname = "x"\ndigest_at = "soon"', "'x': digest_at: "),
        ('[[subscription]]\nname = "x"\nalerts = ["rise"]', "'x': alerts.0: "),
        ('[[subscription]]\nname = "x"\ntop = 0', "'x': top: "),
        ('[[subscription]]\nname = "x"\nwindow = "7d"', "'x': window: "),
        ('[[subscription]]\nname = "x"\ntimezone = "Almaty"', "'x': timezone: not the name"),
        ('[[subscription]]\nname = "x"\nmail = ["me"]', "'x': mail.0: not a mail address"),
        ('[[subscription]]\nname = "x"\nmail = ["a@b\\nBcc:c@d"]', "mail.0: not a mail address"),
        ('[[subscription]]\nname = "x"\nslack = "hooks/secret"', "'x': slack: not a URL"),
        ('[[subscription]]\nname = "x"\ntopp = 3', "'x': topp: Extra inputs"),
    ],
    ids=[
        *("empty", "none", "syntax", "key", "unnamed", "nothing", "nobody", "hour"),
        *("kind", "top", "window", "zone", "mail", "header", "url", "extra"),
    ],
)
def test_invalid_file_is_an_error_that_names_the_entry(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(Misconfigured) as error:
        read(tmp_path, text)
    assert message in str(error.value)
    assert "secret" not in str(error.value)


def test_missing_file_is_an_error_that_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="set MOSTREAD_NOTIFY_SUBSCRIPTIONS_FILE"):
        read_subscriptions("", mail=True)
    with pytest.raises(Misconfigured, match="cannot be read"):
        read_subscriptions(str(tmp_path / "missing.toml"), mail=True)


def test_mail_without_a_mail_server_and_equal_names_are_errors(tmp_path: Path) -> None:
    entry = '[[subscription]]\nname = "x"\ndigest_at = "08:00"\nmail = ["a@b"]\n'
    with pytest.raises(Misconfigured, match="'x' sends mail; set MOSTREAD_NOTIFY_SMTP_HOST"):
        read(tmp_path, entry, mail=False)
    with pytest.raises(Misconfigured, match="two subscriptions have the name 'x'"):
        read(tmp_path, entry * 2)


def test_name_of_a_target_does_not_show_the_path_of_its_url(tmp_path: Path) -> None:
    (subscription,) = read(
        tmp_path,
        f'[[subscription]]\nname = "x"\nalerts = ["marked"]\nslack = "{SLACK}"\n',
    )
    (target,) = all_targets([subscription])
    assert target.name == "slack hooks.slack.com"
    assert "secret" not in target.key

"""Mail to a real server, with and without TLS."""

import ssl
from email.message import EmailMessage
from pathlib import Path

import pytest

from mostread.errors import MostreadError
from mostread.ops.notify.config import NotifySettings
from mostread.ops.notify.mail import MailSender
from mostread.ops.notify.messages import Alert
from mostread.ops.notify.targets import NotSent, Refused
from tests.support.receivers import mail_server
from tests.support.servers import free_ports
from tests.support.tls.certificates import Authority
from tests.unit.ops.notify.examples import digest, message, story


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca") / "ca")


def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def sender(port: int, **settings: object) -> MailSender:
    values = {
        "notify_smtp_host": "127.0.0.1",
        "notify_smtp_port": port,
        "notify_smtp_security": "none",
        "notify_smtp_from": "mostread@news.example",
        **settings,
    }
    return MailSender(NotifySettings.model_validate(values))


def text_of(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


async def test_mail_has_text_and_html_and_the_same_id_when_sent_again() -> None:
    port = free_ports(1)[0]
    with mail_server(port) as server:
        for _ in range(2):
            await sender(port).send("desk@news.example", digest(lang="ru", sections=()))
    (to, mail), (_, again) = server.mails
    assert (to, mail["To"]) == ("desk@news.example", "desk@news.example")
    assert mail["Subject"] == "Самое читаемое за 27 ноября"
    assert mail["From"] == "mostread <mostread@news.example>"
    assert mail["Message-ID"] == again["Message-ID"] == "<0123456789abcdef@news.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "1. New metro line" in text_of(mail, "plain")
    assert '<html lang="ru">' in text_of(mail, "html")
    assert 'href="https://mostread.example/articles/a?site=default"' in text_of(mail, "html")


async def test_headline_is_text_in_html_and_cannot_add_headers() -> None:
    title = "<img src=x onerror=alert(1)>\r\nBcc: all@news.example"
    alerts = [Alert("rises", story("a", title), 1, "1h", rank=1)]
    port = free_ports(1)[0]
    with mail_server(port) as server:
        await sender(port).send("desk@news.example", message(alerts=alerts))
    ((to, mail),) = server.mails
    assert (to, mail["Bcc"]) == ("desk@news.example", None)
    assert "<img" not in text_of(mail, "html")
    assert "&lt;img src=x onerror=alert(1)&gt; Bcc: all@news.example" in text_of(mail, "html")


# aiosmtpd overlooks that the connection is encrypted from the start.
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_mail_is_encrypted_and_signed_in(authority: Authority, security: str) -> None:
    port = free_ports(1)[0]
    tls = server_tls(authority.sign("127.0.0.1"))
    account = {"notify_smtp_user": "mostread", "notify_smtp_ca_file": str(authority.file)}
    with mail_server(port, tls=tls, user="mostread", implicit=security == "tls") as server:
        good = sender(port, notify_smtp_security=security, notify_smtp_password="secret", **account)
        await good.send("desk@news.example", message())
        assert len(server.mails) == 1
        wrong = sender(
            port, notify_smtp_security=security, notify_smtp_password="another", **account
        )
        with pytest.raises(NotSent, match=r"is unavailable: 535") as error:
            await wrong.send("desk@news.example", message())
        assert "another" not in str(error.value)
        assert len(server.mails) == 1


async def test_server_with_another_certificate_gets_neither_password_nor_mail(
    authority: Authority,
) -> None:
    port = free_ports(1)[0]
    strict = sender(
        port,
        notify_smtp_security="starttls",
        notify_smtp_user="mostread",
        notify_smtp_password="secret",
    )
    tls = server_tls(authority.sign("127.0.0.1"))
    with (
        mail_server(port, tls=tls, user="mostread") as untrusted,
        pytest.raises(NotSent, match="set MOSTREAD_NOTIFY_SMTP_CA_FILE"),
    ):
        await strict.send("desk@news.example", message())
    with mail_server(port) as unencrypted, pytest.raises(NotSent, match="STARTTLS"):
        await strict.send("desk@news.example", message())
    assert untrusted.mails == unencrypted.mails == []


@pytest.mark.parametrize(
    ("recipient", "data", "error"),
    [
        ("450 mailbox busy", "", NotSent),
        ("550 no such user", "", Refused),
        ("", "451 try later", NotSent),
        ("", "554 rejected as spam", Refused),
    ],
    ids=["recipient-later", "recipient-never", "mail-later", "mail-never"],
)
async def test_answer_of_server_decides_whether_mail_is_sent_again(
    recipient: str, data: str, error: type[MostreadError]
) -> None:
    port = free_ports(1)[0]
    with mail_server(port) as server:
        server.recipient_answers = [recipient] if recipient else []
        server.answers = [data] if data else []
        with pytest.raises(error, match=f"responded {(recipient or data)[:3]}"):
            await sender(port).send("desk@news.example", message())
        assert server.mails == []
        await sender(port).send("desk@news.example", message())
        assert len(server.mails) == 1


async def test_server_that_cannot_be_reached_has_received_nothing() -> None:
    with pytest.raises(NotSent, match="is unavailable"):
        await sender(free_ports(1)[0]).send("desk@news.example", message())


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"notify_smtp_from": ""}, "set MOSTREAD_NOTIFY_SMTP_FROM"),
        ({"notify_smtp_user": "mostread"}, "would be sent unencrypted"),
        ({"notify_smtp_ca_file": "ca.pem"}, "MOSTREAD_NOTIFY_SMTP_CA_FILE has no effect"),
        (
            {"notify_smtp_security": "tls", "notify_smtp_ca_file": "missing.pem"},
            "MOSTREAD_NOTIFY_SMTP_CA_FILE: missing.pem cannot be read",
        ),
        ({"notify_smtp_from": "me@x\nBcc: a@b"}, "String should match"),
    ],
    ids=["sender", "password", "ca", "ca-file", "header"],
)
def test_settings_of_mail_that_contradict_are_errors(
    settings: dict[str, object], error: str
) -> None:
    with pytest.raises(ValueError, match=error):
        sender(25, **settings)

"""Send messages by mail."""

import asyncio
import smtplib
from contextlib import suppress
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import jinja2

from mostread.infra.tls import explain_tls_error
from mostread.ops.notify.config import SMTP_NAMES, NotifySettings
from mostread.ops.notify.messages import EditorMessage
from mostread.ops.notify.targets import NotSent, Refused, Unconfirmed
from mostread.ops.notify.wording import plain, word

_PERMANENT = 500


class MailSender:
    """Sends each message over a connection of its own to the mail server of the settings."""

    def __init__(self, settings: NotifySettings) -> None:
        self._settings = settings
        self._html = jinja2.Environment(
            loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
        ).get_template("message.html")

    async def send(self, address: str, message: EditorMessage) -> None:
        """Send a message to a mail address. Raises NotSent, Refused and Unconfirmed."""
        await asyncio.to_thread(self._send, address, self.mail(address, message))

    def mail(self, address: str, message: EditorMessage) -> EmailMessage:
        """Return a mail in plain text and HTML."""
        wording = word(message)
        sender = self._settings.notify_smtp_from
        mail = EmailMessage()
        mail["Subject"] = wording.subject
        mail["From"] = f"mostread <{sender}>"
        mail["To"] = address
        mail["Date"] = format_datetime(message.created_at)
        # The same when the message is sent again.
        mail["Message-ID"] = f"<{message.id}@{sender.rpartition('@')[2]}>"
        mail["Content-Language"] = message.lang
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(plain(wording))
        html = self._html.render(wording=wording, lang=message.lang)
        mail.add_alternative(html, subtype="html")
        return mail

    def _send(self, address: str, mail: EmailMessage) -> None:
        server = self._connect()
        try:
            server.send_message(mail, to_addrs=[address])
        except smtplib.SMTPRecipientsRefused as error:
            ((code, reason),) = error.recipients.values()
            raise _judged(code, reason) from error
        except smtplib.SMTPSenderRefused as error:
            raise NotSent(f"the mail server refuses the sender: {_reason(error)}") from error
        except smtplib.SMTPResponseException as error:
            raise _judged(error.smtp_code, error.smtp_error) from error
        except (OSError, smtplib.SMTPException) as error:
            raise Unconfirmed(f"no answer: {str(error) or repr(error)}") from error
        finally:
            with suppress(OSError, smtplib.SMTPException):
                server.quit()

    def _connect(self) -> smtplib.SMTP:
        """Return a connection, signed in. Raises NotSent, as long as the server is wrong."""
        settings = self._settings
        host, port = settings.notify_smtp_host, settings.notify_smtp_port
        seconds = settings.notify_timeout_seconds
        server: smtplib.SMTP | None = None
        try:
            if settings.notify_smtp_security == "tls":
                context = settings.smtp_tls.context()
                server = smtplib.SMTP_SSL(host, port, timeout=seconds, context=context)
            else:
                server = smtplib.SMTP(host, port, timeout=seconds)
            if settings.notify_smtp_security == "starttls":
                server.starttls(context=settings.smtp_tls.context())
            if settings.notify_smtp_user:
                password = settings.notify_smtp_password.get_secret_value()
                server.login(settings.notify_smtp_user, password)
        except (OSError, smtplib.SMTPException) as error:
            if server is not None:
                server.close()
            where = f"the mail server {host}:{port}"
            tls = explain_tls_error(error, where, SMTP_NAMES)
            raise NotSent(tls or f"{where} is unavailable: {_reason(error)}") from error
        return server


def _judged(code: int, reason: bytes | str) -> NotSent | Refused:
    detail = f"the mail server responded {code}: {_text(reason)[:300]}"
    return Refused(detail) if code >= _PERMANENT else NotSent(detail)


def _reason(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"[:300]
    return str(error) or repr(error)


def _text(reason: bytes | str) -> str:
    return reason.decode(errors="replace") if isinstance(reason, bytes) else reason

"""Servers that receive messages: a webhook, and a mail server (aiosmtpd)."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class Webhook:
    """Records what is posted; answers with `statuses` in turn, then 200.

    Status 0 ends the connection without an answer. `raw` is sent instead of an answer, with the
    path of the request for PATH.
    """

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.statuses: list[int] = []
        self.answer_headers: dict[str, str] = {}
        self.raw = b""
        self.hold = threading.Event()
        """While cleared, requests are received and not answered."""
        self.hold.set()
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                webhook.headers.append(dict(self.headers))
                webhook.bodies.append(json.loads(body))
                webhook.hold.wait(60)
                if webhook.raw:
                    self.wfile.write(webhook.raw.replace(b"PATH", self.path.encode()))
                    return
                status = webhook.statuses.pop(0) if webhook.statuses else 200
                if status == 0:
                    return
                self.send_response(status)
                for name, value in webhook.answer_headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"no_service" if status >= 400 else b"ok")

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook/secret"

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def close(self) -> None:
        self.hold.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def webhook() -> Iterator[Webhook]:
    """Serve a webhook until the end of the block."""
    server = Webhook()
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()


class MailServer(Controller):
    """Records mail by recipient; answers RCPT and DATA with `recipient_answers` and `answers`.

    With `user`, clients must sign in as it, with the password "secret".
    """

    def __init__(
        self, port: int, *, tls: ssl.SSLContext | None, user: str = "", implicit: bool = False
    ) -> None:
        self.mails: list[tuple[str, EmailMessage]] = []
        self.recipient_answers: list[str] = []
        self.answers: list[str] = []
        super().__init__(
            self,
            hostname="127.0.0.1",
            port=port,
            ssl_context=tls if implicit else None,
            tls_context=None if implicit else tls,
            require_starttls=bool(tls) and not implicit,
            auth_required=bool(user),
            auth_require_tls=not implicit,
            authenticator=self._authenticate if user else None,
        )
        self._user = user

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        known = (self._user.encode(), b"secret")
        given = (data.login, data.password) if isinstance(data, LoginPassword) else None
        return AuthResult(success=given == known, handled=False)

    async def handle_RCPT(  # noqa: N802  its name in aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        answer = self.recipient_answers.pop(0) if self.recipient_answers else "250 OK"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802  its name in aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            mail = message_from_bytes(content, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.mails += [(each, mail) for each in envelope.rcpt_tos]
        return answer


@contextmanager
def mail_server(
    port: int, *, tls: ssl.SSLContext | None = None, user: str = "", implicit: bool = False
) -> Iterator[MailServer]:
    """Run a mail server until the end of the block; STARTTLS is required if it has a context."""
    server = MailServer(port, tls=tls, user=user, implicit=implicit)
    server.start()
    try:
        yield server
    finally:
        server.stop()

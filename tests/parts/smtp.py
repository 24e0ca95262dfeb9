"""A mail server that keeps what it is sent, on a free port of this machine."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default as email_policy
from typing import Any

from aiosmtpd.controller import Controller
from flask import Flask

from app.extensions import mail
from tests.parts.ports import free_port

HOST = "127.0.0.1"


class MailCatcher:
    """The messages that have arrived, oldest first, as the person would open them.

    ``takes`` is switched off for as long as the mail server has trouble of its own.
    """

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.port = 0
        self.takes = True

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if not self.takes:
            return "451 not now"
        parser: BytesParser[EmailMessage] = BytesParser(policy=email_policy)
        self.messages.append(parser.parsebytes(envelope.content))
        return "250 kept"

    def to(self, address: str) -> list[EmailMessage]:
        """Return the messages to ``address``."""
        return [message for message in self.messages if address in str(message["To"])]

    def wait_for(self, address: str, seconds: float = 10) -> EmailMessage:
        """Return the newest message to ``address``, waiting until there is one."""
        until = time.monotonic() + seconds
        while not self.to(address):
            assert time.monotonic() < until, f"no mail to {address} after {seconds} s"
            time.sleep(0.02)
        return self.to(address)[-1]


@contextmanager
def mail_catcher(catcher: MailCatcher | None = None, **how: Any) -> Iterator[MailCatcher]:
    """Run a mail server in a thread of this process. ``how`` is what aiosmtpd is told beside."""
    catcher = catcher or MailCatcher()
    catcher.port = free_port()
    controller = Controller(catcher, hostname=HOST, port=catcher.port, **how)
    controller.start()
    try:
        yield catcher
    finally:
        controller.stop()


@contextmanager
def mail_settings(app: Flask) -> Iterator[Callable[..., None]]:
    """Yield what has the application use the mail server at a port; afterwards all is as before."""
    settings, state = dict(app.config), app.extensions["mail"]

    def use(port: int, **more: Any) -> None:
        app.config.update(
            {
                "MAIL_SERVER": HOST,
                "MAIL_PORT": port,
                "MAIL_SUPPRESS_SEND": False,
                "MAIL_TIMEOUT": 5,
                **more,
            }
        )
        mail.init_app(app)

    try:
        yield use
    finally:
        app.config.clear()
        app.config.update(settings)
        app.extensions["mail"] = state

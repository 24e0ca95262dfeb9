"""The way to the mail server: nobody waits for it without end, and it shows who it is.

Flask-Mail writes the messages; of its connection the opening and the closing are done here.
"""

import math
import smtplib
import ssl
import time
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import Any

import flask_mail
from flask import current_app

ANSWERS = 3  # a whole message may take as long as this many of the slowest answers


def longest_try() -> timedelta:
    """Return how long a message may be on its way to the mail server, at the very most.

    Beside what is measured, a server may have several addresses that are tried in turn.
    """
    seconds: float = current_app.config["MAIL_TIMEOUT"]
    return timedelta(seconds=2 * ANSWERS * seconds)


class Bounded(smtplib.SMTP):
    """A conversation that ends: each answer comes within ``timeout``, all of them by ``end``."""

    end = math.inf  # of the monotonic clock

    def send(self, s: Any) -> None:
        self._be_quick()
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        self._be_quick()
        return super().getreply()

    def _be_quick(self) -> None:
        left = self.end - time.monotonic()
        if left <= 0:
            self.close()
            raise smtplib.SMTPServerDisconnected("too slow")
        if self.sock is not None:
            self.sock.settimeout(min(self.timeout, left))


class BoundedOverTLS(Bounded, smtplib.SMTP_SSL):
    """The same, with TLS from its first byte."""


class Connection(flask_mail.Connection):
    """One conversation with the mail server."""

    def configure_host(self) -> smtplib.SMTP:
        """Connect, over TLS and with a password where the settings say so.

        What is said is not printed, as smtplib would where it is debugged: there are codes in it.

        Raises:
            OSError: it cannot be reached, is silent, or its certificate is not to be trusted.
            smtplib.SMTPException: it does not want us.
        """
        to, seconds = self.mail, current_app.config["MAIL_TIMEOUT"]
        trust = (
            ssl.create_default_context(cafile=current_app.config["MAIL_CA_FILE"])
            if to.use_ssl or to.use_tls
            else None
        )
        end = time.monotonic() + ANSWERS * seconds
        host = (
            BoundedOverTLS(to.server, to.port or 0, timeout=seconds, context=trust)
            if to.use_ssl
            else Bounded(to.server, to.port or 0, timeout=seconds)
        )
        host.end = end
        try:
            if to.use_tls:
                host.starttls(context=trust)
            if to.username and to.password:
                host.login(to.username, to.password)
        except BaseException:
            host.close()
            raise
        return host

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Say goodbye. What the server makes of it changes nothing of what it took before."""
        if self.host is None:
            return
        with suppress(smtplib.SMTPException, OSError):
            self.host.quit()
        self.host.close()


class Mail(flask_mail.Mail):
    """Flask-Mail, over this way."""

    def connect(self) -> Connection:
        return Connection(current_app.extensions["mail"])

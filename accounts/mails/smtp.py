"""Sends mails to a mail server, within limits to its time.

The timeout of Django's backend begins anew with each byte, so a server could hold a worker for good (S92), and it is
the same for all answers, though servers check a mail before they answer for it (RFC 5321 §4.5.3.2).
"""

import io
import smtplib
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

TIMEOUTS_FOR_A_MAIL = 6
"""How many times EMAIL_TIMEOUT a server may take to answer for a whole mail. One that it takes later comes twice."""
GO_ON, CLOSING = 354, 421
"""Answers: the mail may follow; the connection ends."""


class Backend(EmailBackend):
    """Django's, with an end to each answer, and a new connection where a server has ended the one before."""

    connection: "Connection | None"

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        """What connects to the server."""
        return EncryptedConnection if self.use_ssl else Connection

    @property
    def may_have_sent(self) -> bool:
        """Whether the server has a whole mail that it has not answered for."""
        return self.connection is not None and self.connection.awaits_verdict

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Send, on a new connection if the server has ended this one: many do after one mail, or some."""
        served = self.connection is not None and self.connection.has_served
        try:
            return super().send_messages(email_messages)
        except smtplib.SMTPServerDisconnected:
            if not served or self.may_have_sent:
                raise
        except smtplib.SMTPSenderRefused as error:
            if not served or error.smtp_code != CLOSING:
                raise
        with suppress(OSError):
            self.close()
        self.open()
        return super().send_messages(email_messages)


class _Answers(io.RawIOBase):
    """What a server sends, until a deadline."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.deadline = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        return self._sock.recv_into(buffer)


class Connection(smtplib.SMTP):
    """An SMTP connection whose answers have to be complete in time."""

    awaits_verdict = False
    has_served = False
    _sends_data = False
    _answers: _Answers

    def data(self, msg: Any) -> tuple[int, bytes]:
        """Send a mail, and read whether the server takes it."""
        self.has_served = self._sends_data = True
        try:
            return super().data(msg)
        finally:
            self._sends_data = False

    def getreply(self) -> tuple[int, bytes]:
        """Read an answer."""
        if self.file is None:
            # New, or encrypted just now.
            assert self.sock  # noqa: S101 - smtplib reads from it next
            self._answers = _Answers(self.sock)
            self.file = io.BufferedReader(self._answers)
        self._answers.deadline = time.monotonic() + self.timeout * (TIMEOUTS_FOR_A_MAIL if self.awaits_verdict else 1)
        answer = super().getreply()
        self.awaits_verdict = self._sends_data and answer[0] == GO_ON
        if self.sock:
            # For what is sent next.
            self.sock.settimeout(self.timeout)
        return answer


class EncryptedConnection(Connection, smtplib.SMTP_SSL):
    """The same, encrypted from the first byte."""

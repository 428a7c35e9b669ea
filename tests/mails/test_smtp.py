"""Mail servers that are slow, or that end connections."""

import socket
import threading
import time

import pytest

from accounts.mails.delivery import Outcome, send_due
from accounts.mails.models import Mail
from tests.mails.conftest import use
from tests.mails.servers import answering, commands


def test_a_server_that_answers_byte_by_byte_holds_no_worker(queued, settings):
    """S92: the time counts for the whole answer. It would else never end."""

    def talk(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"220-")
        until = time.monotonic() + 5
        while time.monotonic() < until and not over.wait(0.05):
            connection.sendall(b"x")

    settings.EMAIL_TIMEOUT = 0.3
    queued()
    with answering(talk) as port:
        use(settings, port)
        begun = time.monotonic()
        assert send_due() == {Outcome.UNREACHABLE: 1}
        assert time.monotonic() - begun < 3


def test_a_server_may_take_its_time_to_check_a_mail(queued, settings):
    """It would else get the mail again at each attempt (RFC 5321 §4.5.3.2.6)."""

    def talk(connection: socket.socket, _over: threading.Event) -> None:
        for verb in commands(connection):
            if verb == ".":
                time.sleep(1)
            connection.sendall(b"250 OK\r\n")

    settings.EMAIL_TIMEOUT = 0.3
    queued()
    with answering(talk) as port:
        use(settings, port)
        assert send_due() == {Outcome.SENT: 1}


@pytest.mark.parametrize("farewell", [b"", b"421 4.7.0 enough\r\n"])
def test_a_server_that_takes_one_mail_a_connection_gets_them_all(queued, settings, farewell):
    """At once, without a lost attempt, and without saying that a mail may come twice."""

    def talk(connection: socket.socket, _over: threading.Event) -> None:
        taken = False
        for verb in commands(connection):
            if taken:
                connection.sendall(farewell)
                return
            taken = verb == "."
            connection.sendall(b"250 OK\r\n")
            if taken and not farewell:
                return

    for _ in range(3):
        queued()
    with answering(talk) as port:
        use(settings, port)
        assert send_due() == {Outcome.SENT: 3}


@pytest.mark.parametrize("verb", ["EHLO", "MAIL", "RCPT"])
def test_a_mail_that_was_not_handed_over_does_not_say_that_it_may_come_twice(queued, settings, verb):
    """The server left before it had it."""

    def talk(connection: socket.socket, _over: threading.Event) -> None:
        for given in commands(connection):
            if given == verb:
                return
            connection.sendall(b"250 OK\r\n")

    queued()
    with answering(talk) as port:
        use(settings, port)
        assert send_due() == {Outcome.UNREACHABLE: 1}
    assert Mail.objects.get().maybe_sent is False

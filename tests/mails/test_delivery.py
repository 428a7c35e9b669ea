"""Queued mails reach a real SMTP server, and what happens when it fails."""

import logging
import smtplib
from collections import Counter
from dataclasses import replace
from datetime import UTC, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.conf import DEFAULTS, Rate
from accounts.mails import codes, delivery, queue
from accounts.mails.delivery import Outcome, send_due
from accounts.mails.models import Mail
from accounts.mails.rendering import render
from accounts.mails.templates import Template
from accounts.shared import metrics
from tests.live import free_port
from tests.mails.conftest import MAILS, use
from tests.mails.servers import silent


@pytest.mark.parametrize("template", MAILS)
def test_a_mail_arrives_well_formed(queued, mail_server, template):
    """Both parts, and the headers that receivers look at; the row is gone."""
    mail = queued(template)

    assert send_due() == {Outcome.SENT: 1}

    [message] = mail_server.messages
    assert mail_server.recipients == [[mail.email]]
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert (message["Auto-Submitted"], message["Content-Language"]) == ("auto-generated", "en")
    assert message["Message-ID"] == f"<{mail.pk}@localhost>"
    assert message["From"] == "Latchkey <no-reply@localhost>"
    assert message["Date"].datetime.replace(tzinfo=UTC) <= timezone.now()
    assert not any(part.defects for part in message.walk())
    assert not Mail.objects.exists()


def test_link_and_code_come_into_being_when_the_mail_is_sent(queued, mail_server):
    """S86: the mail has both, in both parts; the row had neither."""
    mail = queued(Template.RESET_PASSWORD)
    row = str(Mail.objects.values().get())

    send_due()

    link, code = codes.link_token(mail.code), codes.typed_code(mail.code)
    for part in mail_server.messages[0].iter_parts():
        assert f"http://localhost:8000/reset-password#token={link}" in part.get_content()
        assert code in part.get_content()
    assert link not in row
    assert code not in row


def test_one_connection_serves_all_mails(queued, mail_server):
    """A handshake for each would take most of the time."""
    for _ in range(3):
        queued()

    assert send_due() == {Outcome.SENT: 3}
    assert (len(mail_server.messages), mail_server.greeted) == (3, 1)


def test_no_mail_is_sent_for_nothing(queued, mail_server):
    """S2: the row was there for the sake of equal work."""
    queued(Template.NOTHING)

    assert send_due() == {Outcome.NOTHING: 1}
    assert (mail_server.messages, Mail.objects.count()) == ([], 0)


def test_nothing_takes_the_work_of_a_mail(queued, mail_server, monkeypatch):
    """S2: otherwise the time of the next answers would tell whether the address got one."""
    rendered = []
    monkeypatch.setattr(delivery, "render", lambda mail: rendered.append(mail.template) or render(mail))
    queued(Template.NOTHING)

    send_due()

    assert (rendered, mail_server.messages) == ([Template.VERIFY_EMAIL], [])


@pytest.mark.parametrize("change", [{"used_at": timezone.now()}, {"expires_at": timezone.now()}])
def test_a_mail_whose_code_is_of_no_use_is_dropped(queued, mail_server, change):
    """Used or withdrawn meanwhile, or too old before anybody tried to send it."""
    mail = queued()
    type(mail.code).objects.update(**change)

    assert send_due() == {Outcome.DROPPED: 1}
    assert (mail_server.messages, Mail.objects.count()) == ([], 0)


def test_a_mail_is_sent_when_it_is_due(queued, mail_server):
    """Not earlier, and not while another worker has it."""
    queued(due_at=timezone.now() + timedelta(minutes=1))
    queued(claimed_until=timezone.now() + timedelta(minutes=1), attempts=1)
    queued(dead_at=timezone.now())

    assert send_due() == {}
    assert (mail_server.messages, Mail.objects.count()) == ([], 3)


def test_a_server_that_is_not_there_postpones_one_mail(queued, settings):
    """The others have lost no attempt; the pause grows and differs a little."""
    use(settings, free_port())
    for _ in range(3):
        queued()

    assert send_due() == {Outcome.UNREACHABLE: 1}

    tried = Mail.objects.get(attempts=1)
    assert (tried.error, tried.claimed_until, tried.maybe_sent) == ("ConnectionRefusedError ECONNREFUSED", None, False)
    assert 5 < (tried.due_at - timezone.now()).total_seconds() < 15
    assert Mail.objects.filter(attempts=0).count() == 2


def test_a_database_connection_that_breaks_while_a_mail_is_sent_repeats_none(queued, mail_server, monkeypatch):
    """As at a failover: the row is deleted over a new one."""
    queued()
    calls: list[str] = []

    def broken_once(execute: Any, sql: str, *arguments: Any) -> Any:
        if sql.startswith("DELETE"):
            calls.append("delete")
            if len(calls) == 1:
                raise OperationalError("the connection is closed")
        return execute(sql, *arguments)

    monkeypatch.setattr(delivery, "database", SimpleNamespace(close=lambda: calls.append("close")))

    with connection.execute_wrapper(broken_once):
        assert send_due() == {Outcome.SENT: 1}
    assert (calls, Mail.objects.count()) == (["delete", "close", "delete"], 0)


def test_a_mail_takes_few_statements(queued, mail_server):
    """It is found, claimed, read and deleted; then new and tried ones are looked for once more."""
    queued()

    with CaptureQueriesContext(connection) as statements:
        send_due()

    words = [query["sql"].split()[0] for query in statements]
    assert words == ["SELECT", "UPDATE", "SELECT", "DELETE", "SELECT", "SELECT"]


def test_a_mail_that_goes_with_its_account_holds_up_no_other(queued, mail_server):
    """Right after its claim."""
    gone, left = queued(), queued()

    def deleted_first(execute: Any, sql: str, *arguments: Any) -> Any:
        if "accounts_mailedcode" in sql and sql.startswith("SELECT"):
            Mail.objects.filter(pk=gone.pk).delete()
        return execute(sql, *arguments)

    with connection.execute_wrapper(deleted_first):
        assert send_due() == {Outcome.SENT: 1}

    assert [message["Message-ID"] for message in mail_server.messages] == [f"<{left.pk}@localhost>"]


def test_mails_that_failed_hold_up_no_new_one(queued, mail_server):
    """S92: strangers can name addresses at which a mail server hangs, and each attempt takes its time."""
    earlier = timezone.now() - timedelta(minutes=1)
    tried = [queued(attempts=1, due_at=earlier) for _ in range(3)]
    new = [queued(), queued()]

    send_due()

    assert [message["Message-ID"] for message in mail_server.messages] == [
        f"<{mail.pk}@localhost>" for mail in (*new, *tried)
    ]


def test_pauses_double_up_to_an_hour(queued, settings):
    """A server that is down for long is not asked all the time."""
    use(settings, free_port())
    for attempts, least, most in ((1, 15, 25), (4, 120, 200), (13, 2800, 4400)):
        mail = queued(attempts=attempts)
        send_due()
        mail.refresh_from_db()
        assert least < (mail.due_at - timezone.now()).total_seconds() < most


@pytest.mark.parametrize("after_data", [False, True])
def test_a_server_that_hangs_is_left_after_the_timeout(queued, settings, after_data):
    """If it had the whole mail, it may have taken it: the next attempt says so."""
    settings.EMAIL_TIMEOUT = 0.3
    mail = queued()
    with silent(after_data=after_data) as (port, reached):
        use(settings, port)
        assert send_due() == {Outcome.UNREACHABLE: 1}
        assert reached.is_set()

    mail.refresh_from_db()
    assert mail.maybe_sent == after_data
    assert mail.error.split()[0] in {"TimeoutError", "SMTPServerDisconnected"}


def test_a_server_that_dies_in_mid_session_gets_the_mail_again_and_it_says_so(queued, mail_server):
    """Same Message-ID, and a sentence: receivers and people can tell."""
    mail = queued()
    mail_server.drop = True
    assert send_due() == {Outcome.UNREACHABLE: 1}

    mail_server.drop = False
    Mail.objects.update(due_at=timezone.now())
    assert send_due() == {Outcome.SENT: 1}

    first, second = mail_server.messages
    assert first["Message-ID"] == second["Message-ID"] == f"<{mail.pk}@localhost>"
    repeated = ["sent you this mail once already" in str(message) for message in (first, second)]
    assert repeated == [False, True]


@pytest.mark.parametrize("reply", [{"rcpt": "451 4.7.1 later"}, {"data": "452 4.3.1 full"}])
def test_a_temporary_refusal_postpones_the_mail_only(queued, mail_server, reply):
    """Greylisting of one address does not hold up the others."""
    vars(mail_server).update(reply)
    queued()
    queued()

    assert send_due() == {Outcome.POSTPONED: 2}
    assert set(Mail.objects.values_list("maybe_sent", "dead_at")) == {(False, None)}


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ({"rcpt": "550 5.1.1 no such user"}, "SMTPRecipientsRefused 550"),
        ({"data": "554 5.7.1 rejected"}, "SMTPDataError 554"),
    ],
)
def test_a_permanent_refusal_makes_a_dead_letter_at_once(queued, mail_server, reply, error):
    """The error is in our words: the server's repeats the address (S47)."""
    before = metrics.REGISTRY.get_sample_value("latchkey_mails_total", {"outcome": "dead"})
    vars(mail_server).update(reply)
    mail = queued()

    assert send_due() == {Outcome.DEAD: 1}

    mail.refresh_from_db()
    assert (mail.error, mail.attempts, mail.dead_at is not None) == (error, 1, True)
    assert queue.state().dead_letters == 1
    assert metrics.REGISTRY.get_sample_value("latchkey_mails_total", {"outcome": "dead"}) == before + 1


def test_tries_are_used_up_in_the_end(queued, settings):
    """A dead letter tells operators; nothing goes on for ever."""
    use(settings, free_port())
    mail = queued(attempts=delivery.MOST_ATTEMPTS - 1)

    assert send_due() == {Outcome.DEAD: 1}

    mail.refresh_from_db()
    assert mail.error == "ConnectionRefusedError ECONNREFUSED"
    assert send_due() == {}


def test_a_code_that_expires_between_attempts_makes_a_dead_letter(queued, mail_server):
    """The person never got it."""
    mail = queued(attempts=1)
    type(mail.code).objects.update(expires_at=timezone.now())

    assert send_due() == {Outcome.DEAD: 1}
    assert mail_server.messages == []


def test_a_claim_that_ran_out_is_taken_over_and_the_mail_says_so(queued, mail_server, caplog):
    """A worker died between its claim and its DELETE."""
    queued(claimed_until=timezone.now() - timedelta(seconds=1), attempts=1)

    assert send_due() == {Outcome.SENT: 1}

    assert "sent you this mail once already" in mail_server.messages[0].get_body().get_content()
    ours = [record for record in caplog.records if record.name == delivery.__name__]
    assert [record.getMessage().partition("): ")[2] for record in ours if record.levelno == logging.WARNING] == [
        "a worker died while sending it; it may be sent twice",
        "sent, perhaps for the second time",
    ]


def test_nobody_floods_an_inbox_with_notices(queued, mail_server, settings):
    """Notices over the limit are dropped; a mail that was asked for is not, which has a limit of its own."""
    limits = {**DEFAULTS, "notice.account": Rate(2, 86400)}
    settings.LATCHKEY = replace(settings.LATCHKEY, rate_limits=limits)
    for _ in range(4):
        queued(Template.PASSWORD_CHANGED)
    queued(Template.RESET_PASSWORD)
    queued(Template.EMAIL_CHANGED)

    assert send_due() == {Outcome.SENT: 4, Outcome.LIMITED: 2}
    assert not Mail.objects.exists()


@pytest.mark.parametrize("template", ["no_such_template", Template.DELETION_SCHEDULED])
def test_a_mail_that_cannot_be_made_waits(queued, mail_server, template):
    """One of a newer release, or with bad data, holds up no other."""
    broken = queued(template, data={"due": "hush"})
    queued()

    assert send_due() == {Outcome.POSTPONED: 1, Outcome.SENT: 1}

    broken.refresh_from_db()
    assert broken.error == "ValueError"


def test_an_address_that_no_server_can_take_holds_up_no_other_mail(queued, mail_server):
    """As one with a line break, which Django refuses to put into a header."""
    broken = queued(email="a@example.com\nBcc: b@example.com")
    queued()

    assert send_due() == {Outcome.POSTPONED: 1, Outcome.SENT: 1}

    broken.refresh_from_db()
    assert (broken.error, broken.maybe_sent) == ("ValueError", False)


@pytest.mark.parametrize(
    "failure", [{}, {"rcpt": "550 5.1.1 no"}, {"rcpt": "451 4.7.1 no"}, {"drop": True}, {"data": "554 no"}]
)
def test_the_log_names_neither_address_nor_code(queued, mail_server, caplog, capfd, failure):
    """S47: at no level, whatever the server says; `mail.log` is the test's own server."""
    vars(mail_server).update(failure)
    mail = queued(Template.RESET_PASSWORD, claimed_until=timezone.now() - timedelta(seconds=1))

    with caplog.at_level(logging.DEBUG):
        send_due()

    lines = [record for record in caplog.records if record.name != "mail.log"]
    text = "\n".join(f"{record.getMessage()} {record.exc_info}" for record in lines) + "".join(capfd.readouterr())
    assert str(mail.pk) in text
    for secret in (mail.email, codes.link_token(mail.code), codes.typed_code(mail.code), "no such"):
        assert secret not in text


def test_failures_are_described_by_type_and_code():
    """S47."""
    refused = smtplib.SMTPRecipientsRefused({"a@b": (550, b"a@b unknown"), "c@d": (451, b"c@d later")})

    assert delivery.described(refused) == "SMTPRecipientsRefused 451 550"
    assert delivery.described(smtplib.SMTPAuthenticationError(535, b"hush")) == "SMTPAuthenticationError 535"
    assert delivery.described(RuntimeError("hush")) == "RuntimeError"


def test_dead_letters_are_deleted_after_a_month(queued):
    """By `manage.py clear_expired`."""
    old = queued(dead_at=timezone.now() - timedelta(days=31))
    queued(dead_at=timezone.now() - timedelta(days=29))
    queued(created_at=timezone.now() - timedelta(days=31))

    delivery.clear_dead_letters()

    assert Counter(Mail.objects.values_list("pk", flat=True))[old.pk] == 0
    assert Mail.objects.count() == 2

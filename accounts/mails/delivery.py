"""Sends the queued mails.

A mail is claimed for a time, rendered, sent, and deleted, each outside of a transaction, so that a slow mail server
holds no lock (S92). If the process dies in between, the claim runs out and another attempt follows: the mail may then
come twice, and says so. Nothing here logs an address, a code, a link or a text of the mail server (S47).
"""

import errno
import logging
import random
import smtplib
import ssl
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from email.utils import parseaddr
from enum import StrEnum
from itertools import chain

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import DatabaseError, InterfaceError, OperationalError, models
from django.db import connection as database
from django.utils import timezone

from accounts.guard import limits
from accounts.guard.errors import RateLimited
from accounts.guard.limits import Action
from accounts.mails.models import Mail, MailedCode, Purpose
from accounts.mails.rendering import render
from accounts.mails.templates import Template
from accounts.shared.caller import Caller

log = logging.getLogger(__name__)

CLAIM = timedelta(minutes=5)
"""Longer than sending one mail can take: some twelve answers of a mail server, each within EMAIL_TIMEOUT, and the last
within TIMEOUTS_FOR_A_MAIL of them."""
MOST_ATTEMPTS = 15
"""With the pauses between them, about six hours."""
FIRST_PAUSE, LONGEST_PAUSE = 10, 3600
"""Seconds between two attempts; each pause is twice the one before."""
CANDIDATES = 20
DEAD_LETTERS_KEPT = timedelta(days=30)
PERMANENT = 500
"""From here on, SMTP replies are permanent refusals (RFC 5321 §4.2.1), and HTTP statuses failures of the server."""
OF_THE_SENDER = frozenset({401, 403, 408, 429})
"""HTTP statuses that every other mail would get too."""


class Outcome(StrEnum):
    """How an attempt to send a mail ended."""

    SENT = "sent"
    POSTPONED = "postponed"
    """The mail server could not take this mail now."""
    UNREACHABLE = "unreachable"
    """The mail server could not be used: this mail is postponed, and others need not be tried."""
    DEAD = "dead"
    DROPPED = "dropped"
    """Its code was used or withdrawn meanwhile, or expired before the first attempt."""
    LIMITED = "limited"
    """The address has had too many notices."""
    NOTHING = "nothing"
    """The template without a mail."""


OUTCOMES: Counter[tuple[str, Outcome]] = Counter()
"""How many attempts of this process ended so, by template; for metrics."""


class Refused(Exception):
    """The mail server refuses this mail for good."""


class Unrenderable(Exception):
    """The templates or settings cannot make this mail."""


def dead_letters() -> int:
    """How many mails were given up; for metrics."""
    return Mail.objects.exclude(dead_at=None).count()


def send_due(*, stopping: Callable[[], bool] = lambda: False) -> Counter[Outcome]:
    """Send all mails that are due, over one connection; returns the number of each outcome.

    Ends early if `stopping`, or if the mail server cannot be used: one mail has then lost an attempt, not all.
    """
    done: Counter[Outcome] = Counter()
    connection = get_connection()
    try:
        while not stopping() and (mail := _claim()) is not None:
            outcome = _deliver(mail, connection)
            done[outcome] += 1
            OUTCOMES[mail.template, outcome] += 1
            if outcome is Outcome.UNREACHABLE:
                break
    finally:
        _close(connection)
    return done


def clear_dead_letters() -> None:
    """Delete mails that were given up long ago."""
    Mail.objects.filter(dead_at__lte=timezone.now() - DEAD_LETTERS_KEPT).delete()


def _claim() -> Mail | None:
    """Claim the mail that is due next. Of several workers, the one whose UPDATE finds the row as it was gets it."""
    now = timezone.now()
    free = Mail.objects.filter(dead_at=None, due_at__lte=now).exclude(claimed_until__gt=now)
    waiting = free.select_related("code", "client").order_by("due_at")
    # New ones first: addresses at which the mail server hangs, which strangers can name, would else hold them up.
    for mail in chain(waiting.filter(attempts=0)[:CANDIDATES], waiting.filter(attempts__gt=0)[:CANDIDATES]):
        as_it_was = Mail.objects.filter(
            pk=mail.pk, dead_at=None, due_at=mail.due_at, claimed_until=mail.claimed_until, attempts=mail.attempts
        )
        interrupted = mail.claimed_until is not None
        mail.claimed_until, mail.attempts = timezone.now() + CLAIM, mail.attempts + 1
        mail.maybe_sent = mail.maybe_sent or interrupted
        if as_it_was.update(claimed_until=mail.claimed_until, attempts=mail.attempts, maybe_sent=mail.maybe_sent):
            if interrupted:
                log.warning(
                    "mail %s (%s): a worker died while sending it; it may be sent twice", mail.pk, mail.template
                )
            return mail
    return None


def _deliver(mail: Mail, connection: BaseEmailBackend) -> Outcome:
    """Send a claimed mail, or settle why not."""
    if mail.template == Template.NOTHING:
        _take_the_time_of_a_mail(mail, connection)
        return _settle(mail, Outcome.NOTHING)
    if mail.code and (mail.code.used_at or mail.code.expires_at <= timezone.now()):
        return _give_up_code(mail, mail.code)
    if mail.attempts > MOST_ATTEMPTS:
        return _bury(mail, mail.error or "interrupted")
    try:
        if mail.attempts == 1 and not _may_notify(mail):
            return _settle(mail, Outcome.LIMITED)
        _send(mail, connection)
    except DatabaseError:
        # Nothing can be settled now; the claim runs out.
        raise
    except Refused as error:
        return _bury(mail, str(error))
    except Exception as error:  # noqa: BLE001 - backends of providers raise anything
        _close(connection)
        return _postpone(mail, described(error), Outcome.POSTPONED if _is_of_one_mail(error) else Outcome.UNREACHABLE)
    if mail.maybe_sent:
        log.warning("mail %s (%s): sent, perhaps for the second time", mail.pk, mail.template)
    return _settle(mail, Outcome.SENT)


def _give_up_code(mail: Mail, code: MailedCode) -> Outcome:
    """Settle a mail whose code cannot be used any more."""
    if code.used_at:
        return _settle(mail, Outcome.DROPPED)
    if mail.attempts > 1:
        # The person never got it.
        return _bury(mail, "the code has expired")
    log.warning("mail %s (%s): the code expired before the first attempt", mail.pk, mail.template)
    return _settle(mail, Outcome.DROPPED)


def _may_notify(mail: Mail) -> bool:
    """Whether the address has not had too many notices. Other mails were limited when somebody asked for them."""
    if mail.code is None or mail.code.purpose != Purpose.SECURE:
        return True
    try:
        with limits.attempt(Action.NOTICE, account=mail.email, caller=Caller()):
            return True
    except RateLimited:
        return False


def _take_the_time_of_a_mail(mail: Mail, connection: BaseEmailBackend) -> None:
    """Render a mail, and discard it: a process that does not would answer the next requests sooner (S2)."""
    mail.template = Template.VERIFY_EMAIL
    with suppress(Unrenderable):
        _message(mail, connection).message().as_bytes()
    mail.template = Template.NOTHING


def _message(mail: Mail, connection: BaseEmailBackend) -> EmailMultiAlternatives:
    """The mail with its headers. Raises Unrenderable."""
    try:
        rendered = render(mail)
    except DatabaseError:
        raise
    except Exception as error:  # noqa: BLE001 - folders of operators have any template
        # Its text may hold values of the mail.
        raise Unrenderable(type(error).__name__) from None
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    message = EmailMultiAlternatives(
        rendered.subject,
        rendered.text,
        to=[mail.email],
        connection=connection,
        headers={
            # The same at each attempt, so that a receiver can tell a repeated mail.
            "Message-ID": f"<{mail.pk}@{domain}>",
            # Keeps out-of-office answers away (RFC 3834 §5).
            "Auto-Submitted": "auto-generated",
            "Content-Language": rendered.language,
        },
    )
    message.attach_alternative(rendered.html, "text/html")
    return message


def _send(mail: Mail, connection: BaseEmailBackend) -> None:
    """Raises Refused, Unrenderable, and whatever the backend raises for other failures."""
    message = _message(mail, connection)
    # Keeps it open for the next mail. If this fails, nothing has been sent.
    connection.open()
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        replies = [code for code, _text in error.recipients.values()]
        if replies and min(replies) >= PERMANENT:
            raise Refused(described(error)) from None
        raise
    except smtplib.SMTPDataError as error:
        if error.smtp_code >= PERMANENT:
            raise Refused(described(error)) from None
        raise
    except Exception as error:
        answered = isinstance(error, smtplib.SMTPResponseException) or _http_status(error)
        # Other backends cannot tell.
        if isinstance(error, OSError) and not answered and getattr(connection, "may_have_sent", True):
            mail.maybe_sent = True
        raise


def _is_of_one_mail(error: Exception) -> bool:
    """Whether other mails may get through, although this one did not."""
    if isinstance(error, smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError):
        return True
    if status := _http_status(error):
        return status < PERMANENT and status not in OF_THE_SENDER
    # Those of connections are OSError, also in smtplib and requests.
    return not isinstance(error, OSError)


def _http_status(error: Exception) -> int:
    """The status that a provider's API has answered; 0 without an answer."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else 0


def described(error: Exception) -> str:
    """A failure in our words and its codes: the text of a mail server may repeat the address or the mail (S47)."""
    parts = [str(error) if isinstance(error, Unrenderable) else type(error).__name__]
    if status := _http_status(error):
        parts.append(str(status))
    elif isinstance(error, smtplib.SMTPRecipientsRefused):
        parts += sorted({str(code) for code, _text in error.recipients.values()})
    elif isinstance(error, smtplib.SMTPResponseException):
        parts.append(str(error.smtp_code))
    elif isinstance(error, ssl.SSLError):
        parts.append(str(error.reason or ""))
    elif isinstance(error, OSError) and error.errno:
        parts.append(errno.errorcode.get(error.errno, str(error.errno)))
    return " ".join(filter(None, parts))[:200]


def _settle(mail: Mail, outcome: Outcome) -> Outcome:
    row = Mail.objects.filter(pk=mail.pk)
    try:
        row.delete()
    except (OperationalError, InterfaceError):
        # The connection broke while the mail server took its time. The mail would be sent again.
        database.close()
        row.delete()
    log.info("mail %s (%s): %s", mail.pk, mail.template, outcome)
    return outcome


def _postpone(mail: Mail, error: str, outcome: Outcome) -> Outcome:
    if mail.attempts >= MOST_ATTEMPTS:
        return _bury(mail, error)
    pause = min(FIRST_PAUSE * 2 ** (mail.attempts - 1), LONGEST_PAUSE) * random.uniform(0.8, 1.2)  # noqa: S311
    due_at = timezone.now() + timedelta(seconds=pause)
    _ours(mail).update(claimed_until=None, due_at=due_at, error=error, maybe_sent=mail.maybe_sent)
    log.warning(
        "mail %s (%s): attempt %d failed, next in %d s: %s", mail.pk, mail.template, mail.attempts, pause, error
    )
    return outcome


def _bury(mail: Mail, error: str) -> Outcome:
    """Keep it as a dead letter."""
    _ours(mail).update(claimed_until=None, dead_at=timezone.now(), error=error, maybe_sent=mail.maybe_sent)
    log.error("mail %s (%s): given up after attempt %d: %s", mail.pk, mail.template, mail.attempts, error)
    return Outcome.DEAD


def _ours(mail: Mail) -> models.QuerySet[Mail]:
    """The row, unless the claim ran out and another worker has it."""
    return Mail.objects.filter(pk=mail.pk, claimed_until=mail.claimed_until)


def _close(connection: BaseEmailBackend) -> None:
    with suppress(Exception):
        connection.close()

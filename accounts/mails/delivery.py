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
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from email.utils import parseaddr
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import DatabaseError, InterfaceError, OperationalError, models, router
from django.db import connection as database
from django.db.models import F, Value
from django.utils import timezone

from accounts.guard import limits
from accounts.guard.errors import RateLimited
from accounts.guard.limits import Action
from accounts.mails.models import Mail, MailedCode, Purpose
from accounts.mails.rendering import render
from accounts.mails.templates import Template
from accounts.shared import metrics
from accounts.shared.caller import Caller
from accounts.shared.statements import Delete, Select, Update, columns, parameter
from accounts.shared.sweeping import sweep_dead

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


for _outcome in Outcome:
    # From 0 on: Prometheus cannot tell that a series which appears has grown.
    metrics.MAILS.labels(_outcome)


class Refused(Exception):
    """The mail server refuses this mail for good."""


class Unrenderable(Exception):
    """The templates or settings cannot make this mail."""


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
            metrics.MAILS.labels(outcome).inc()
            if outcome is Outcome.UNREACHABLE:
                break
    finally:
        _close(connection)
    return done


def clear_dead_letters() -> int:
    """Delete mails that were given up long ago; returns their number."""
    over = timezone.now() - DEAD_LETTERS_KEPT
    return sweep_dead(Mail, lambda part: part.of(Mail).filter(dead_at__lte=over))


def _claim() -> Mail | None:
    """Claim the mail that is due next. Of several workers, the one whose UPDATE finds the row as it was gets it."""
    for key, due_at, attempts, claimed_until in _waiting():
        values = {"id": key, "due_at": due_at, "attempts": attempts, "until": timezone.now() + CLAIM}
        interrupted = claimed_until is not None
        claimed = _take_over(**values, claimed_until=claimed_until) if interrupted else _take(**values)
        # It may be gone with its account right after.
        mail = _mail(key) if claimed else None
        if mail is None:
            continue
        if interrupted:
            log.warning("mail %s (%s): a worker died while sending it; it may be sent twice", mail.pk, mail.template)
        return mail
    return None


def _waiting() -> Iterator[list[Any]]:
    """The mails that may be claimed now: key, due time, attempts, end of the last claim."""
    now = timezone.now()
    # New ones first: addresses at which the mail server hangs, which strangers can name, would else hold them up.
    for candidates in (_new, _tried):
        yield from candidates.rows(now=now)


def _mail(key: uuid.UUID) -> Mail | None:
    """The mail with its code and the URL of its client; None if it is gone, as with its account."""
    row = _with_code.first(id=key)
    if row is None:
        return None
    using = router.db_for_write(Mail)
    of_code = len(MAIL_FIELDS)
    mail = Mail.from_db(using, MAIL_FIELDS, row[:of_code])
    mail.code = MailedCode.from_db(using, CODE_FIELDS, row[of_code:-1]) if mail.code_id else None
    if mail.client_id:
        client: Any = Mail._meta.get_field("client").related_model  # noqa: SLF001 - public
        mail.client = client.from_db(using, ("id", "front_end_url"), (mail.client_id, row[-1]))
    return mail


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
    try:
        _delete(id=mail.pk)
    except (OperationalError, InterfaceError):
        # The connection broke while the mail server took its time. The mail would be sent again.
        database.close()
        _delete(id=mail.pk)
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


MAIL_FIELDS, CODE_FIELDS = columns(Mail), columns(MailedCode)


def _free(*, tried: bool) -> Select:
    """The first mails that are due and that no worker is sending: key, due time, attempts, end of the last claim."""
    now, attempts = parameter(Mail, "due_at", "now"), {"attempts__gt" if tried else "attempts": 0}
    return Select(
        Mail,
        lambda: (
            Mail.objects.filter(dead_at=None, due_at__lte=now, **attempts)
            .exclude(claimed_until__gt=now)
            .order_by("due_at")
            .values_list("pk", "due_at", "attempts", "claimed_until")[:CANDIDATES]
        ),
        for_write=True,
    )


def _as_it_was(**claimed_until: Any) -> Callable[[], models.QuerySet[Mail]]:
    names = ("id", "due_at", "attempts")
    return lambda: Mail.objects.filter(**{name: parameter(Mail, name) for name in names}, dead_at=None, **claimed_until)


_new, _tried = _free(tried=False), _free(tried=True)
CLAIMED: dict[str, Any] = {"claimed_until": parameter(Mail, "claimed_until", "until"), "attempts": F("attempts") + 1}
_take = Update(Mail, _as_it_was(claimed_until=None), **CLAIMED)
_take_over = Update(
    Mail, _as_it_was(claimed_until=parameter(Mail, "claimed_until")), **CLAIMED, maybe_sent=Value(value=True)
)
_with_code = Select(
    Mail,
    lambda: Mail.objects.filter(pk=parameter(Mail, "id")).values_list(
        *MAIL_FIELDS, *(f"code__{name}" for name in CODE_FIELDS), "client__front_end_url"
    ),
    for_write=True,
)
_delete = Delete(Mail, lambda: Mail.objects.filter(pk=parameter(Mail, "id")))

"""Create, answer and finish challenges.

A challenge's token is random, works once, expires, can be tried a limited number of times, and belongs to the client,
scope and transport of the first call (S63). Each capability that needs challenges defines its own kinds.
"""

import secrets
from datetime import timedelta
from typing import Any

from django.db.models import F, QuerySet
from django.dispatch import receiver
from django.utils import timezone

from accounts.challenges.models import Challenge
from accounts.conf import latchkey
from accounts.errors import InvalidChallenge
from accounts.people.models import Account
from accounts.people.signals import handing_over, voiding_additions
from accounts.shared.single_use import digest_of
from accounts.shared.sweeping import sweep_expired
from accounts.tokens import api as bearer_tokens
from accounts.tokens.api import ClientGrant
from accounts.tokens.errors import InvalidClient, InvalidScope

EARLIER = "earlier"
"""The key of the digest of a step before that is still open."""


def create(
    kind: str, *, grant: ClientGrant, data: dict[str, Any], account: Account | None = None, lifetime: int | None = None
) -> str:
    """Store a challenge and return its token; `data` is JSON and never holds a credential.

    `lifetime` in seconds; CHALLENGE_LIFETIME by default.
    """
    token = secrets.token_urlsafe(32)
    Challenge.objects.create(
        digest=digest_of(token),
        kind=kind,
        client=grant.client,
        scope=" ".join(grant.scopes),
        transport=grant.transport,
        account=account,
        data=data,
        expires_at=timezone.now() + timedelta(seconds=lifetime or latchkey().challenge_lifetime),
    )
    return token


def attempt(token: str, kind: str) -> Challenge:
    """Find the pending challenge for this token and count one attempt. Raises InvalidChallenge.

    Call outside a transaction, so that a rollback cannot refund the attempt.
    """
    return attempt_of(digest_of(token), kind)


def attempt_of(digest: str, kind: str) -> Challenge:
    """As `attempt`, for what is bound to a challenge and was sealed here: it holds the digest of the token."""
    if not _pending(digest, kind).update(attempts=F("attempts") + 1):
        raise _invalid_challenge()
    challenge = Challenge.objects.select_related("client").filter(digest=digest).first()
    if challenge is None:
        raise _invalid_challenge()
    return challenge


def keep_open(challenge: Challenge, *, until: str) -> None:
    """Let the challenge be answered again until the one with this token is finished, which ends both."""
    later = Challenge.objects.get(digest=digest_of(until))
    later.data = {**later.data, EARLIER: challenge.pk}
    later.save(update_fields=["data"])


def pending(token: str, kind: str) -> Challenge:
    """Find the pending challenge for this token, without an attempt: for what is no answer. Raises InvalidChallenge."""
    found = _pending(digest_of(token), kind).select_related("account").first()
    if found is None:
        raise _invalid_challenge()
    return found


def finish(challenge: Challenge) -> None:
    """Delete the challenge in the transaction that it authorizes, so that only one of two concurrent answers succeeds.

    The step before, if it was kept open, ends with it (S78). Raises InvalidChallenge.
    """
    deleted, _per_model = Challenge.objects.filter(pk=challenge.pk).delete()
    if not deleted:
        raise _invalid_challenge()
    if earlier := challenge.data.get(EARLIER):
        Challenge.objects.filter(pk=earlier).delete()


def grant_of(challenge: Challenge) -> ClientGrant:
    """The grant of the first call, if the client may still have it. Raises InvalidChallenge."""
    try:
        return bearer_tokens.renewed_grant(challenge.client, scope=challenge.scope, transport=challenge.transport)
    except (InvalidClient, InvalidScope):
        raise _invalid_challenge() from None


def _pending(digest: str, kind: str) -> QuerySet[Challenge]:
    return Challenge.objects.filter(
        digest=digest, kind=kind, expires_at__gt=timezone.now(), attempts__lt=latchkey().challenge_attempts
    )


def _invalid_challenge() -> InvalidChallenge:
    return InvalidChallenge(field=("challenge_token",))


def clear_expired() -> int:
    """Delete expired challenges; returns their number."""
    return sweep_expired(Challenge)


@receiver(handing_over)
@receiver(voiding_additions)
def forget(account: Account, **_signal: Any) -> None:
    """Delete the pending steps of an account whose holder was somebody else until now."""
    Challenge.objects.filter(account=account).delete()

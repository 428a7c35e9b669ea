"""Challenges as every capability uses them (S63); what social sign-in makes of them: tests/social."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.challenges import steps
from accounts.challenges.models import Challenge
from accounts.errors import InvalidChallenge
from accounts.tokens.api import ClientGrant
from accounts.tokens.models import Client, RefreshTokenTransport
from tests.factories import make_account, make_client

pytestmark = pytest.mark.django_db

KIND = "EXAMPLE"


@pytest.fixture
def grant() -> ClientGrant:
    """What the first call was granted."""
    client, _secret = make_client()
    return ClientGrant(client=client, scopes=("account",), transport=RefreshTokenTransport.COOKIE)


def test_the_token_is_not_stored(grant):
    """S15: only its digest."""
    token = steps.create(KIND, grant=grant, data={})

    assert token not in str(Challenge.objects.values().get())


def test_it_keeps_what_the_capability_needs(grant):
    """Its account, its data, and the grant of the first call."""
    account = make_account()
    token = steps.create(KIND, grant=grant, data={"step": 1}, account=account)

    challenge = steps.attempt(token, KIND)

    assert (challenge.account, challenge.data) == (account, {"step": 1})
    assert steps.grant_of(challenge) == grant


def test_another_kind_does_not_find_it(grant):
    """And counts no attempt."""
    token = steps.create(KIND, grant=grant, data={})

    with pytest.raises(InvalidChallenge):
        steps.attempt(token, "OTHER")

    assert Challenge.objects.get().attempts == 0


def test_it_expires(grant):
    """After CHALLENGE_LIFETIME; then it can be deleted."""
    token = steps.create(KIND, grant=grant, data={})
    steps.clear_expired()
    assert Challenge.objects.update(expires_at=timezone.now() - timedelta(seconds=1)) == 1

    with pytest.raises(InvalidChallenge):
        steps.attempt(token, KIND)

    steps.clear_expired()
    assert not Challenge.objects.exists()


def test_attempts_are_limited(grant, settings):
    """Whoever guesses an answer gets no more than these."""
    token = steps.create(KIND, grant=grant, data={})
    Challenge.objects.update(attempts=settings.LATCHKEY.challenge_attempts - 1)
    steps.attempt(token, KIND)

    with pytest.raises(InvalidChallenge):
        steps.attempt(token, KIND)


def test_it_is_finished_once(grant):
    """Of two concurrent answers, both of which found it."""
    token = steps.create(KIND, grant=grant, data={})
    first, second = steps.attempt(token, KIND), steps.attempt(token, KIND)
    steps.finish(first)

    with pytest.raises(InvalidChallenge):
        steps.finish(second)


def test_a_client_that_lost_its_rights_finishes_nothing(grant):
    """It was first party when the challenge was made."""
    token = steps.create(KIND, grant=grant, data={})
    Client.objects.update(first_party=False)

    with pytest.raises(InvalidChallenge):
        steps.grant_of(steps.attempt(token, KIND))

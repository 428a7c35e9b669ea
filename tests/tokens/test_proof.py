"""S88: which sessions are fresh enough for sensitive changes."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from oauth2_provider.models import get_refresh_token_model

from accounts.conf import latchkey
from accounts.shared.caller import Caller
from accounts.tokens import api as bearer_tokens
from accounts.tokens.errors import InvalidToken, ReauthenticationRequired
from accounts.tokens.models import AuthenticationMethod, Session
from accounts.tokens.proof import require_recent_proof
from accounts.tokens.sessions import session_of
from tests.api import REFRESH, GraphQL, SignedIn


def bearer_of(access_token: str) -> bearer_tokens.Bearer:
    """The bearer of a live access token."""
    bearer = bearer_tokens.authenticate(f"Bearer {access_token}")
    assert bearer is not None
    return bearer


def refreshed(graphql: GraphQL, signed_in: SignedIn) -> str:
    """The next access token."""
    payload = graphql(REFRESH, input={"refreshToken": signed_in.refresh_token}).data["refreshToken"]
    return str(payload["tokens"]["accessToken"])


def test_a_new_sign_in_is_a_proof(signed_in):
    """With the password."""
    bearer = bearer_of(signed_in.access_token)

    require_recent_proof(bearer)

    session = session_of(bearer)
    assert session is not None
    assert session.authentication_methods == [AuthenticationMethod.PASSWORD]


def test_a_proof_lasts_for_the_lifetime(signed_in):
    """REAUTHENTICATION_LIFETIME, 10 minutes by default."""
    begun = Session.objects.get().authenticated_at
    bearer = bearer_of(signed_in.access_token)

    with time_machine.travel(begun + timedelta(seconds=latchkey().reauthentication_lifetime - 1), tick=False):
        require_recent_proof(bearer)
    with (
        time_machine.travel(begun + timedelta(seconds=latchkey().reauthentication_lifetime), tick=False),
        pytest.raises(ReauthenticationRequired),
    ):
        require_recent_proof(bearer)


def test_a_refresh_is_no_proof(graphql, signed_in):
    """Whoever holds a stolen refresh token could else stay fresh for ever."""
    begun = timezone.now() - timedelta(hours=1)
    Session.objects.update(authenticated_at=begun)

    bearer = bearer_of(refreshed(graphql, signed_in))

    with pytest.raises(ReauthenticationRequired):
        require_recent_proof(bearer)
    assert Session.objects.get().authenticated_at == begun


def test_the_session_of_a_traded_tokens_successor_is_found(graphql, signed_in):
    """Also when the refresh is repeated, which gives the same pair."""
    again = refreshed(graphql, signed_in)
    assert refreshed(graphql, signed_in) == again

    assert session_of(bearer_of(again)) == Session.objects.get()


def test_a_session_without_methods_is_never_fresh(default_client, account):
    """Code that signs in by its own means, such as an impersonation, proves nothing unless it says so."""
    tokens = bearer_tokens.issue(account=account, grant=bearer_tokens.authorize_client(), caller=Caller())

    with pytest.raises(ReauthenticationRequired):
        require_recent_proof(bearer_of(tokens.access_token))


@pytest.mark.parametrize("meanwhile", ["refreshed", "ended", "deleted"])
def test_a_bearer_that_was_traded_or_ended_meanwhile_is_invalid(graphql, signed_in, meanwhile):
    """401, at which a client uses its next token; a proof would not help it."""
    bearer = bearer_of(signed_in.access_token)
    if meanwhile == "refreshed":
        refreshed(graphql, signed_in)
    elif meanwhile == "ended":
        bearer_tokens.end_session(Session.objects.get())
    else:
        Session.objects.all().delete()

    with pytest.raises(InvalidToken):
        require_recent_proof(bearer)


def test_a_token_that_never_had_a_session_needs_a_proof(signed_in):
    """One that code of your own made, without a refresh token."""
    get_refresh_token_model().objects.all().delete()

    with pytest.raises(ReauthenticationRequired):
        require_recent_proof(bearer_of(signed_in.access_token))

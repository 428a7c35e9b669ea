"""S88: what counts as having shown a second factor in a session."""

import pyotp
import pytest

from accounts.tokens.models import Session
from tests.api import codes
from tests.factories import make_account
from tests.mfa.test_over_http import BEGIN, CONFIRM
from tests.providers.stored import nothing_changes
from tests.reauthentication.test_sensitive import document


@pytest.fixture
def is_allowed(graphql):
    """Whether a sensitive change is."""

    def ask(token: str) -> bool:
        given = {"newEmail": "not an address"}
        payload = graphql(document("requestEmailChange"), token=token, input=given).data["requestEmailChange"]
        return codes(payload) == ["INVALID_INPUT"]

    return ask


def test_setting_an_app_up_shows_it(graphql, sign_in, is_allowed):
    """Its code was typed here: the next change asks for no other. In another session nothing was shown."""
    account = make_account(email_verified=True)
    other, here = sign_in(account), sign_in(account)
    begun = graphql(BEGIN, token=here.access_token).data["createTotpEnrollment"]["enrollment"]
    assert is_allowed(other.access_token)

    given = {"challengeToken": begun["token"], "code": pyotp.TOTP(begun["secret"]).now()}
    assert codes(graphql(CONFIRM, token=here.access_token, input=given).data["confirmTotpEnrollment"]) == []

    assert is_allowed(here.access_token)
    assert Session.objects.latest("created_at").authentication_methods == ["password", "totp"]
    assert not is_allowed(other.access_token)


def test_a_wrong_code_of_an_app_shows_nothing(graphql, sign_in):
    """The app does not count either."""
    token = sign_in(make_account(email_verified=True)).access_token
    begun = graphql(BEGIN, token=token).data["createTotpEnrollment"]["enrollment"]

    with nothing_changes():
        given = {"challengeToken": begun["token"], "code": "x"}
        assert codes(graphql(CONFIRM, token=token, input=given).data["confirmTotpEnrollment"]) == ["INVALID_CODE"]
    assert Session.objects.get().factor_proved_at is None

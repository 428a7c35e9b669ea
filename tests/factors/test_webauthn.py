"""Passkeys: ceremonies, and the answers of authenticators."""

import pytest
from django.db import transaction

from accounts.factors import webauthn
from accounts.factors.webauthn import Ceremony, PasskeyPurpose
from tests.authenticator import EDDSA, ES256, RS256, Authenticator

pytestmark = pytest.mark.django_db


def added(account, authenticator, **how):
    """A passkey that the authenticator has made."""
    ceremony = webauthn.begin_registration(account, bound_to="here", **how)
    return answered(account, ceremony, authenticator.create(ceremony.options))


@transaction.atomic
def answered(account, ceremony: Ceremony, response, *, bound_to="here"):
    """The passkey of this answer."""
    return webauthn.verify_registration(ceremony.token, response, account=account, bound_to=bound_to, name="Phone")


@transaction.atomic
def shown(ceremony: Ceremony, response, *, purpose=PasskeyPurpose.SIGN_IN, account=None, bound_to="here"):
    """The passkey of this assertion."""
    return webauthn.verify_assertion(ceremony.token, response, purpose, account=account, bound_to=bound_to)


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
@pytest.mark.parametrize("purpose", PasskeyPurpose)
def test_a_passkey_is_made_and_used(account, algorithm, purpose):
    """With each algorithm, for each purpose; the holder of a sign-in is found by the passkey."""
    authenticator = Authenticator(algorithm=algorithm, counts=True)
    passkey = added(account, authenticator)
    asked = None if purpose is PasskeyPurpose.SIGN_IN else account
    ceremony = webauthn.begin_assertion(purpose, account=asked, bound_to="here")
    used = shown(ceremony, authenticator.get(ceremony.options), purpose=purpose, account=asked)
    assert (used, used.account) == (passkey, account)
    assert used.sign_count == passkey.sign_count + 1
    assert used.last_used_at

"""A sign-in that has to be finished by another step meets the deletion of its account."""

from django.core.management import call_command
from django.db import transaction

from accounts.leaving.deletion import erase
from accounts.people.errors import AccountDisabled
from accounts.people.models import Account
from accounts.social.challenges import ask_to_link
from accounts.social.claims import Claims
from accounts.social.verification import Identity
from accounts.tokens.api import authorize_client
from accounts.verification import sending
from tests.factories import make_account
from tests.leaving import test_race

pytestmark = test_race.pytestmark
begin = test_race.begin
EMAIL = test_race.EMAIL


def test_a_sign_in_that_waits_finds_no_account(begin):
    """S45: a challenge of an account that is gone is no 5xx, whether it asks for a code or to link."""
    call_command("ensure_client", verbosity=0)
    identity = Identity(provider="google-oauth2", claims=Claims(sub="1", email=EMAIL))
    found = []
    for challenge, given in ((sending.challenge, {"methods": ()}), (ask_to_link, {"identity": identity})):
        account = make_account(email=EMAIL)
        with transaction.atomic():
            erase(Account.objects.select_for_update(no_key=True).get(pk=account.pk))
            waiting = begin(challenge, account=account, grant=authorize_client(), **given)
        found.append(waiting.exception(timeout=30) or waiting.result())

    assert [type(outcome) for outcome in found] == [AccountDisabled, type(None)]

"""`renamePasskey`, `removePasskey`, and what counts as the last way to sign in."""

from dataclasses import replace
from datetime import timedelta

import pytest
from social_django.models import UserSocialAuth

from accounts.factors.models import Passkey, RecoveryCodes, RememberedBrowser
from accounts.guard.models import SecurityEvent
from accounts.mails.models import Mail
from accounts.people.models import Account
from accounts.shared import clock
from accounts.tokens.models import Session
from tests.api import CONVERT, SOCIAL_ACCOUNTS, UNLINK, codes, refusals
from tests.authenticator import Authenticator
from tests.factories import make_account
from tests.mails import queued
from tests.passkeys.calls import MINE, REMOVE, RENAME, added, signed_in
from tests.providers.stored import nothing_changes
from tests.schema.test_nodes import global_id

NODE = "query ($id: ID!) { node(id: $id) { __typename ... on Passkey { name } } }"
NOBODYS = ["x", "", global_id("Passkey", "x"), global_id("Account", "00000000-0000-0000-0000-000000000000")]


@pytest.fixture
def rename(graphql):
    """The payload."""
    return lambda token, id_, name: graphql(RENAME, token=token, input={"id": id_, "name": name}).data["renamePasskey"]


@pytest.fixture
def remove(graphql):
    """The payload."""
    return lambda token, id_: graphql(REMOVE, token=token, input={"id": id_}).data["removePasskey"]


def test_a_passkey_gets_another_name(graphql, token, passkey, rename):
    """Cleaned as the first one; recorded."""
    payload = rename(token, passkey["id"], " Work: laptop ")

    assert payload == {"passkey": {"name": "Work laptop"}, "errors": []}
    assert graphql(MINE, token=token).data["me"]["passkeys"][0]["name"] == "Work laptop"
    assert SecurityEvent.objects.filter(type="passkey:rename").count() == 1


@pytest.mark.parametrize(
    ("name", "code"), [("", "REQUIRED"), (" ", "REQUIRED"), ("://", "REQUIRED"), ("x" * 65, "TOO_LONG")]
)
def test_what_is_no_name(token, passkey, rename, name, code):
    """Nothing is renamed."""
    with nothing_changes():
        assert refusals(rename(token, passkey["id"], name)) == [(code, ["name"])]


@pytest.fixture
def stranger(sign_in) -> str:
    """The access token of somebody else."""
    return sign_in(make_account(email_verified=True)).access_token


def test_nobody_elses_passkey_is_found(graphql, passkey, stranger, rename, remove):
    """S65: unknown, malformed and another account's alike."""
    with nothing_changes():
        for id_ in (passkey["id"], *NOBODYS):
            assert refusals(rename(stranger, id_, "Mine")) == [("NOT_FOUND", ["id"])]
            assert refusals(remove(stranger, id_)) == [("NOT_FOUND", ["id"])]
    assert graphql(NODE, token=stranger, id=passkey["id"]).data["node"] is None
    assert graphql(NODE, id=passkey["id"]).data["node"] is None


def test_a_passkey_is_a_node(graphql, token, passkey):
    """Its owner finds it by its id."""
    found = graphql(NODE, token=token, id=passkey["id"]).data["node"]

    assert found == {"__typename": "Passkey", "name": "Passkey 1"}


def test_a_passkey_is_removed(account, token, passkey, remove):
    """S75: it is gone, recorded and mailed; browsers are asked again."""
    RememberedBrowser.objects.create(digest="x", account=account, expires_at=clock.now() + timedelta(days=1))

    payload = remove(token, passkey["id"])

    assert payload == {"deletedPasskeyId": passkey["id"], "account": {"passkeys": []}, "errors": []}
    assert not Passkey.objects.exists()
    assert SecurityEvent.objects.get(type="passkey:remove").subject == account.pk
    assert queued(account.email)[-1] == "passkey_removed"
    assert Mail.objects.get(template="passkey_removed").data == {"name": "Passkey 1"}
    assert not RememberedBrowser.objects.exists()


def test_removing_needs_a_recent_proof(token, passkey, remove):
    """S75."""
    Session.objects.update(authenticated_at=clock.now() - timedelta(days=1))

    with nothing_changes():
        assert codes(remove(token, passkey["id"])) == ["REAUTHENTICATION_REQUIRED"]


def test_recovery_codes_go_with_the_last_factor(graphql, account, token, authenticator, remove, required_of_all):
    """They come with the first one."""
    first = added(graphql, token, authenticator)["passkey"]["id"]
    token = signed_in(graphql, authenticator)["tokens"]["accessToken"]
    second = added(graphql, token, Authenticator())["passkey"]["id"]
    assert remove(token, first)["errors"] == []
    assert RecoveryCodes.objects.filter(account=account).exists()

    assert remove(token, second)["errors"] == []

    assert not RecoveryCodes.objects.exists()


def only_passkeys(account: Account) -> None:
    """Take the password away, without ending sessions."""
    Account._base_manager.filter(pk=account.pk).update(password="!")


def test_the_last_way_to_sign_in_stays(account, token, passkey, remove):
    """S38: signing in by mail does not count."""
    only_passkeys(account)

    with nothing_changes():
        assert codes(remove(token, passkey["id"])) == ["LAST_SIGN_IN_METHOD"]


@pytest.mark.parametrize(
    ("other", "goes"),
    [
        ("a passkey that signs in", True),
        ("a passkey that does not", False),
        ("a provider", True),
        ("a provider that is switched off", False),
    ],
)
def test_another_way_makes_it_removable(graphql, settings, providers, account, token, passkey, remove, other, goes):
    """S38: of what works now."""
    if other.startswith("a passkey"):
        added(graphql, token, Authenticator(uv=other.endswith("signs in")))
    else:
        UserSocialAuth.objects.create(user=account, provider="google-oauth2", uid="7")
    if other.endswith("off"):
        settings.LATCHKEY = replace(settings.LATCHKEY, providers=())
    only_passkeys(account)

    assert codes(remove(token, passkey["id"])) == ([] if goes else ["LAST_SIGN_IN_METHOD"])
    assert Passkey.objects.filter(name="Passkey 1").exists() is not goes


def test_a_passkey_that_does_not_sign_in_is_never_the_last_way(graphql, account, token, remove):
    """It was none."""
    id_ = added(graphql, token, Authenticator(uv=False))["passkey"]["id"]
    only_passkeys(account)

    assert remove(token, id_)["errors"] == []


@pytest.mark.parametrize("signs_in", [True, False])
def test_a_passkey_counts_when_an_identity_is_unlinked(graphql, providers, account, token, signs_in):
    """S38: the other way round."""
    added(graphql, token, Authenticator(uv=signs_in))
    UserSocialAuth.objects.create(user=account, provider="google-oauth2", uid="7")
    only_passkeys(account)
    [linked] = graphql(f"{{ me {{ {SOCIAL_ACCOUNTS} }} }}", token=token).data["me"]["socialAccounts"]

    payload = graphql(UNLINK, token=token, input={"id": linked["id"]}).data["unlinkSocialAccount"]

    assert codes(payload) == ([] if signs_in else ["LAST_SIGN_IN_METHOD"])


def test_a_passkey_is_named_as_a_way_to_sign_in(graphql, providers, account, token, authenticator):
    """`LinkChallenge.signInMethods`, and `authConfig`."""
    Account._base_manager.filter(pk=account.pk).update(email="ada@example.com")
    given = {"provider": "google", "credential": {"accessToken": providers.google_token()}}

    def methods() -> list[str]:
        query = CONVERT.replace("challenge {", "challenge { ... on LinkChallenge { signInMethods }")
        found: list[str] = graphql(query, input=given).data["convertSocialToken"]["challenge"]["signInMethods"]
        return found

    assert methods() == ["PASSWORD", "EMAIL_CODE"]
    added(graphql, token, authenticator)
    assert methods() == ["PASSWORD", "EMAIL_CODE", "PASSKEY"]
    offered = graphql("{ authConfig { signInMethods } }").data["authConfig"]["signInMethods"]
    assert offered[-1] == "PASSKEY"

"""`createPasskeyRegistration` and `addPasskey`."""

from dataclasses import replace
from datetime import timedelta

import pytest

from accounts.conf import rate_limits
from accounts.factors.models import Passkey, RecoveryCodes
from accounts.guard.models import SecurityEvent
from accounts.mails.models import Mail
from accounts.passkeys.adding import MOST_PASSKEYS
from accounts.people.models import Account
from accounts.shared import clock
from accounts.shared.models import SpentCredential
from accounts.tokens.models import Session
from tests.api import codes, refusals
from tests.authenticator import Authenticator, InvalidStateError
from tests.factories import make_account
from tests.mails import queued
from tests.passkeys.calls import ADD, ASK, BEGIN, MINE, SIGN_IN, add, added, asked, begin, begun, creation, signed_in
from tests.providers.stored import nothing_changes


def types() -> list[str]:
    """The types of the events, oldest first."""
    return list(SecurityEvent.objects.order_by("created_at").values_list("type", flat=True))


def causes(type_: str) -> list[str]:
    """The causes of the events of a type."""
    return list(SecurityEvent.objects.filter(type=type_).values_list("cause", flat=True))


def test_a_passkey_is_added(graphql, account, token, authenticator):
    """S75: it is in the list, recorded, and mailed to the holder. Without policy, it brings no recovery codes."""
    payload = added(graphql, token, authenticator, name="  My phone ")

    assert payload["errors"] == payload["recoveryCodes"] == []
    row = Passkey.objects.get(account=account)
    passkey = payload["passkey"]
    assert passkey["name"] == row.name == "My phone"
    assert (passkey["isSynced"], passkey["canSignIn"], passkey["lastUsedAt"]) == (True, True, None)
    assert passkey["credentialId"] == row.credential_id
    assert payload["account"]["passkeys"] == [{"id": passkey["id"]}]
    event = SecurityEvent.objects.get(type="passkey:add")
    assert (event.subject, event.actor, event.client) == (account.pk, account.pk, "web")
    assert queued(account.email)[-1] == "passkey_added"
    assert Mail.objects.get(template="passkey_added").data == {"name": "My phone"}
    mine = graphql(MINE, token=token).data["me"]
    assert mine["passkeys"] == [passkey]
    assert mine["passkeyUser"]["rpId"] == "localhost"
    assert not RecoveryCodes.objects.exists()


def test_a_name_is_made_up(graphql, token):
    """In the language of the request, with a number."""
    names = [added(graphql, token, Authenticator(), **how)["passkey"]["name"] for how in ({}, {"name": " "}, {})]

    assert names == ["Passkey 1", "Passkey 2", "Passkey 3"]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("x" * 64, "x" * 64),
        ("Ada’s   phone\n", "Ada’s phone"),
        ("https://evil.example/x", "https evil.example x"),
        ("a\u202eb\u0000c", "a b c"),
        ("👩‍👩‍👧 🔑", "👩‍👩‍👧 🔑"),
        ("Schlüssel", "Schlüssel"),
    ],
)
def test_what_a_name_may_be(graphql, token, authenticator, name, kept):
    """S62: it stands in a mail, where it must be no link and nothing invisible."""
    assert added(graphql, token, authenticator, name=name)["passkey"]["name"] == kept


def test_a_long_name_adds_nothing(graphql, token, authenticator):
    """TOO_LONG, and the ceremony can still be answered."""
    given = creation(begun(graphql, token), authenticator)

    with nothing_changes():
        assert refusals(add(graphql, token, given, name="x" * 65)) == [("TOO_LONG", ["name"])]
    assert add(graphql, token, given)["errors"] == []


def test_a_passkey_needs_a_verified_address(graphql, sign_in, authenticator):
    """S87: when it begins, and when it ends."""
    account = make_account()
    token = sign_in(account).access_token
    assert codes(begin(graphql, token)) == ["EMAIL_VERIFICATION_REQUIRED"]
    Account._base_manager.update(email_verified=True)
    given = creation(begun(graphql, token), authenticator)
    Account._base_manager.update(email_verified=False)

    with nothing_changes():
        assert codes(add(graphql, token, given)) == ["EMAIL_VERIFICATION_REQUIRED"]
    assert not Passkey.objects.exists()


def test_a_passkey_needs_a_recent_proof(graphql, token, authenticator):
    """S75: at the end, too."""
    given = creation(begun(graphql, token), authenticator)
    Session.objects.update(authenticated_at=clock.now() - timedelta(days=1))

    with nothing_changes():
        assert codes(add(graphql, token, given)) == ["REAUTHENTICATION_REQUIRED"]
        assert codes(begin(graphql, token)) == ["REAUTHENTICATION_REQUIRED"]


def test_a_ceremony_is_of_one_session(graphql, sign_in, account, token, authenticator):
    """S70, S76: neither another session of the account nor another account, nor nobody, finishes it."""
    given = creation(begun(graphql, token), authenticator)
    others = [sign_in(account).access_token, sign_in(make_account(email_verified=True)).access_token, None]

    for other in others:
        with nothing_changes(Session):
            assert refusals(add(graphql, other, given)) == [("INVALID_CHALLENGE", ["challengeToken"])]
    assert add(graphql, token, given)["errors"] == []


def test_a_ceremony_is_used_once(graphql, token, authenticator):
    """S76: the answer again adds nothing; nor does it once the passkey was removed."""
    given = creation(begun(graphql, token), authenticator)
    assert add(graphql, token, given)["errors"] == []
    Passkey.objects.all().delete()

    with nothing_changes():
        assert codes(add(graphql, token, given)) == ["INVALID_CHALLENGE"]


def test_a_ceremony_expires(graphql, token, authenticator, monkeypatch):
    """After five minutes; its answer adds nothing."""
    given = creation(begun(graphql, token), authenticator)
    later = clock.now() + timedelta(seconds=301)
    monkeypatch.setattr(clock, "now", lambda: later)
    Session.objects.update(authenticated_at=later)

    assert codes(add(graphql, token, given)) == ["INVALID_CHALLENGE"]
    assert not Passkey.objects.exists()


def test_an_assertion_adds_nothing(graphql, token, passkey, authenticator):
    """S76: its token is for another purpose."""
    ceremony = asked(graphql, token, purpose="REAUTHENTICATION")
    options = {**begun(graphql, token)["options"], "excludeCredentials": []}
    given = {"challengeToken": ceremony["token"], "response": authenticator.create(options)}

    with nothing_changes():
        assert codes(add(graphql, token, given)) == ["INVALID_CHALLENGE"]


@pytest.mark.parametrize(
    ("how", "cause"),
    [
        ({"origin": "https://evil.example"}, "wrong origin"),
        ({"origin": "http://localhost:8001"}, "wrong origin"),
        ({"rp_id": "evil.example"}, "wrong RP id"),
        ({"up": False}, "user not present"),
        ({"client_data": {"crossOrigin": True}}, "in a frame of another origin"),
        ({"client_data": {"challenge": "AAAA"}}, "wrong challenge"),
    ],
)
def test_a_wrong_answer_adds_nothing(graphql, token, account, how, cause):
    """S74, S76: one code for the client; the event has the cause."""
    given = creation(begun(graphql, token), Authenticator(**how))

    with nothing_changes():
        assert refusals(add(graphql, token, given)) == [("PASSKEY_REJECTED", ["response"])]
    assert causes("mfa:change:failure") == [f"PASSKEY_REJECTED: {cause}"]
    assert SecurityEvent.objects.get(type="mfa:change:failure").subject == account.pk


def test_an_authenticator_is_not_asked_twice(graphql, token, passkey, authenticator):
    """The options exclude what the account has; browsers then say InvalidStateError."""
    with pytest.raises(InvalidStateError):
        creation(begun(graphql, token), authenticator)


def test_a_passkey_that_nobody_was_asked_for(graphql, token):
    """Conditional create: neither present nor verified, and it signs in by itself."""
    ceremony = begun(graphql, token, automatic=True)

    payload = add(graphql, token, creation(ceremony, Authenticator(up=False, uv=False)))

    assert payload["errors"] == []
    assert payload["passkey"]["canSignIn"]


def test_an_account_has_so_many_and_no_more(graphql, account, token, authenticator):
    """Neither begins another ceremony then, nor ends one that was begun before."""
    given = creation(begun(graphql, token), authenticator)
    for number in range(MOST_PASSKEYS):
        Passkey.objects.create(
            account=account,
            credential_id=f"id{number}",
            public_key=b"",
            name="Key",
            can_sign_in=True,
            backup_eligible=False,
            backed_up=False,
        )

    with nothing_changes():
        refused = begin(graphql, token)
        assert codes(refused) == codes(add(graphql, token, given)) == ["PASSKEY_REJECTED"]
    assert "Remove one" in refused["errors"][0]["message"]


def test_with_the_first_factor_come_recovery_codes(graphql, settings, account, token, authenticator, required_of_all):
    """Where a factor is required, the first passkey is one; a second passkey brings none."""
    payload = added(graphql, token, authenticator)

    assert payload["errors"] == []
    assert len(payload["recoveryCodes"]) == 10
    assert len(RecoveryCodes.objects.get(account=account).digests) == 10
    assert "mfa:recovery_codes:create" in types()
    both = signed_in(graphql, authenticator)["tokens"]["accessToken"]
    assert added(graphql, both, Authenticator())["recoveryCodes"] == []


def test_many_attempts_are_refused(graphql, settings, at, token, authenticator):
    """S52: by address; the attempt is not looked at."""
    limits = rate_limits("factor.address=2/15m")
    settings.LATCHKEY = replace(settings.LATCHKEY, rate_limits=limits)
    given = creation(begun(graphql, token), authenticator)
    for _ in range(2):
        assert codes(add(graphql, token, {**given, "response": {}})) == ["PASSKEY_REJECTED"]

    with nothing_changes():
        assert codes(add(graphql, token, given)) == ["RATE_LIMITED"]
        assert codes(begin(graphql, None, challengeToken="x")) == ["RATE_LIMITED"]


@pytest.mark.usefixtures("switched_off")
def test_without_a_domain_there_are_no_passkeys(graphql, token):
    """Neither call does anything; `authConfig` does not offer them."""
    with nothing_changes():
        empty = {"challengeToken": "x", "response": {}}
        for query, given in ((BEGIN, {}), (ADD, empty), (ASK, {}), (SIGN_IN, {"passkey": empty})):
            answer = graphql(query, token=token, input=given)
            assert answer.codes == ["FORBIDDEN"]
    methods = graphql("{ authConfig { signInMethods } }").data["authConfig"]["signInMethods"]
    assert "PASSKEY" not in methods
    assert graphql(MINE, token=token).data["me"]["passkeyUser"]["rpId"] == ""


def test_nobody_adds_a_passkey_to_nothing(graphql):
    """UNAUTHENTICATED without a challenge."""
    assert graphql(BEGIN, input={}).codes == ["UNAUTHENTICATED"]
    assert not SpentCredential.objects.exists()

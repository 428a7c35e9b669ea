"""`createPasskeyAssertion` and `tokenAuthWithPasskey`."""

import copy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from accounts.conf import EmailVerification, rate_limits
from accounts.factors.models import FactorReset, Passkey
from accounts.guard.models import SecurityEvent
from accounts.people.models import Account
from accounts.shared import clock
from accounts.tokens.models import Client, Session
from tests.api import ME, PASSWORD, TOKEN_AUTH, codes, refusals
from tests.authenticator import Authenticator, b64
from tests.factories import make_account, make_client
from tests.mfa.calls import answer as answer_factor
from tests.mfa.calls import challenge, shown_password
from tests.mfa.enrolled import with_app
from tests.passkeys.calls import ASK, added, answer, ask, asked, begun, sign_in, signed_in
from tests.providers.stored import nothing_changes

REJECTED = ("PASSKEY_REJECTED", ["passkey", "response"])
UNKNOWN = ("PASSKEY_REJECTED", ["passkey", "response", "id"])
EXPIRED = ("INVALID_CHALLENGE", ["passkey", "challengeToken"])
pytestmark = pytest.mark.usefixtures("passkey")


def cause() -> str:
    """Why the last sign-in failed, as operators read it."""
    event = SecurityEvent.objects.filter(type="account:login:failure").latest("created_at")
    return event.cause.removeprefix("PASSKEY_REJECTED: ")


def test_a_passkey_signs_in_without_a_username(graphql, account, authenticator):
    """The options name no passkey; the answer finds the account. It is one step, and both factors (S76)."""
    ceremony = asked(graphql)
    assert ceremony["options"]["allowCredentials"] == []
    assert ceremony["options"]["userVerification"] == "required"
    assert ceremony["expiresIn"] == 300

    payload = sign_in(graphql, answer(ceremony, authenticator))

    assert payload["errors"] == []
    assert payload["account"]["email"] == account.email
    assert not payload["isNewAccount"]
    token = payload["tokens"]["accessToken"]
    query = "{ me { passkeys { lastUsedAt } sessions { nodes { authenticationMethods isCurrent } } } }"
    me = graphql(query, token=token).data["me"]
    assert me["passkeys"][0]["lastUsedAt"]
    assert {"authenticationMethods": ["PASSKEY"], "isCurrent": True} in me["sessions"]["nodes"]
    assert SecurityEvent.objects.filter(type="account:login:success", subject=account.pk).count() == 2


def test_it_is_a_fresh_proof(graphql, authenticator):
    """S88: of both factors, so that another passkey can be added at once."""
    token = signed_in(graphql, authenticator)["tokens"]["accessToken"]

    assert added(graphql, token, Authenticator())["errors"] == []


def test_it_asks_for_no_second_factor(graphql, account, authenticator):
    """A passkey whose user is verified is both. The password does ask."""
    with_app(account)

    assert signed_in(graphql, authenticator)["tokens"]
    assert codes(shown_password(graphql, account)) == ["MFA_REQUIRED"]


def test_it_passes_where_a_factor_is_required(graphql, authenticator, required_of_all):
    """It is one."""
    assert signed_in(graphql, authenticator)["tokens"]


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"origin": "https://evil.example"}, "wrong origin"),
        ({"origin": "http://localhost"}, "wrong origin"),
        ({"rp_id": "evil.example"}, "wrong RP id"),
        ({"uv": False}, "user not verified"),
        ({"up": False}, "user not present"),
        ({"user_handle": b""}, "no user handle"),
        ({"user_handle": b"0123456789abcdef"}, "user handle of another account"),
        ({"client_data": {"challenge": "AAAA"}}, "wrong challenge"),
        ({"client_data": {"type": "webauthn.create"}}, "wrong type of ceremony"),
        ({"client_data": {"crossOrigin": True}}, "in a frame of another origin"),
        ({"counts": False}, "counter went back"),
    ],
)
def test_a_wrong_answer_signs_nobody_in(graphql, account, authenticator, how, why):
    """S74, S76: one public answer; the event has the cause, and is about the passkey's account."""
    ceremony = asked(graphql)

    with nothing_changes():
        assert refusals(sign_in(graphql, answer(ceremony, authenticator.with_(**how)))) == [REJECTED]

    assert cause() == why
    assert SecurityEvent.objects.get(type="account:login:failure").subject == account.pk
    assert signed_in(graphql, authenticator)["tokens"]


def test_another_key_does_not_sign_for_it(graphql, authenticator):
    """S76: algorithm and key are the stored ones."""
    for algorithm in (-7, -8, -257):
        forger = Authenticator(algorithm=algorithm, counts=True)
        forger.create({**begun_options(authenticator), "excludeCredentials": []})
        forger.credentials[0].id = authenticator.credentials[0].id
        forger.credentials[0].user_handle = authenticator.credentials[0].user_handle
        forger.credentials[0].sign_count = 50

        with nothing_changes():
            assert refusals(signed_in(graphql, forger)) == [REJECTED]
        assert cause() == "wrong signature"


def begun_options(authenticator: Authenticator) -> dict[str, Any]:
    """Options that make a credential like that of this authenticator."""
    [credential] = authenticator.credentials
    return {
        "rp": {"id": credential.rp_id},
        "user": {"id": b64(credential.user_handle), "name": credential.user_name},
        "challenge": "AAAA",
        "pubKeyCredParams": [{"alg": alg} for alg in (-7, -8, -257)],
    }


@pytest.mark.parametrize("part", ["signature", "authenticatorData", "clientDataJSON", "userHandle"])
def test_parts_of_another_answer_do_not_fit(graphql, authenticator, part):
    """An answer is one."""
    first, second = (answer(asked(graphql), authenticator) for _ in range(2))
    mixed = copy.deepcopy(second)
    mixed["response"]["response"][part] = "AAAA" if part == "userHandle" else first["response"]["response"][part]

    with nothing_changes():
        assert refusals(sign_in(graphql, mixed)) == [REJECTED]


def test_an_answer_signs_in_once(graphql, authenticator):
    """S76: the same answer again."""
    given = answer(asked(graphql), authenticator)
    assert sign_in(graphql, given)["tokens"]

    with nothing_changes():
        assert refusals(sign_in(graphql, given)) == [EXPIRED]


def test_a_ceremony_expires(graphql, authenticator, monkeypatch):
    """After five minutes."""
    given = answer(asked(graphql), authenticator)
    later = clock.now() + timedelta(seconds=301)
    monkeypatch.setattr(clock, "now", lambda: later)

    with nothing_changes():
        assert refusals(sign_in(graphql, given)) == [EXPIRED]


def test_another_purpose_signs_nobody_in(graphql, account, token, authenticator):
    """S76: neither to reauthenticate, nor as second factor, nor what was to create one."""
    made = begun(graphql, token)
    with_app(account)
    waiting = challenge(graphql, account)
    ceremonies = [
        asked(graphql, token, purpose="REAUTHENTICATION"),
        asked(graphql, purpose="SECOND_FACTOR", challengeToken=waiting),
    ]
    for ceremony in ceremonies:
        with nothing_changes():
            assert refusals(sign_in(graphql, answer(ceremony, authenticator))) == [EXPIRED]
    response = authenticator.shown(authenticator.credentials[0], made["options"]["challenge"])
    with nothing_changes():
        assert refusals(sign_in(graphql, {"challengeToken": made["token"], "response": response})) == [EXPIRED]


def test_another_clients_ceremony_signs_nobody_in(graphql, authenticator):
    """S70: it belongs to the client that it was asked for."""
    ios, _secret = make_client(client_id="ios")

    with nothing_changes(Client):
        given = answer(asked(graphql), authenticator)
        assert refusals(sign_in(graphql, given, clientId="ios")) == [EXPIRED]
        given = answer(asked(graphql, clientId="ios"), authenticator)
        assert refusals(sign_in(graphql, given)) == [EXPIRED]
    assert sign_in(graphql, answer(asked(graphql, clientId="ios"), authenticator), clientId="ios")["tokens"]
    assert Session.objects.filter(client=ios).count() == 1


def test_an_unknown_passkey_is_told_apart(graphql, token, authenticator):
    """Only then may a front end tell the authenticator that it is unknown: see the description."""
    Passkey.objects.all().delete()

    with nothing_changes():
        assert refusals(signed_in(graphql, authenticator)) == [UNKNOWN]
    assert cause() == "unknown"
    assert SecurityEvent.objects.get(type="account:login:failure").subject is None


def test_a_disabled_account_is_not_told(graphql, account, authenticator):
    """S13: as any other rejection; nothing is noted of the passkey."""
    Account.objects.filter(pk=account.pk).update(is_active=False)

    with nothing_changes():
        assert refusals(signed_in(graphql, authenticator)) == [REJECTED]
    assert cause() == "account disabled"


def test_an_address_that_has_to_be_confirmed(graphql, settings, account, authenticator):
    """Where verification is mandatory, an account whose address is not verified is none (S61)."""
    settings.LATCHKEY = replace(settings.LATCHKEY, email_verification=EmailVerification.MANDATORY)
    Account._base_manager.filter(pk=account.pk).update(email_verified=False)

    with nothing_changes():
        assert refusals(signed_in(graphql, authenticator)) == [REJECTED]
    assert cause() == "address not verified"


def test_a_passkey_that_was_shown_withdraws_a_reset(graphql, account, authenticator):
    """S79: the holder has not lost it. Once the reset has taken effect, the passkey is unknown."""
    due = clock.now() + timedelta(hours=1)
    FactorReset.objects.create(account=account, reason="lost", effective_at=due)
    assert signed_in(graphql, authenticator)["tokens"]
    assert not FactorReset.objects.exists()

    FactorReset.objects.create(account=account, reason="lost", effective_at=clock.now())
    assert refusals(signed_in(graphql, authenticator)) == [UNKNOWN]


def test_a_security_key_without_a_pin_signs_nobody_in(graphql, token):
    """It is a second factor only, and not even found without being named."""
    key = Authenticator(uv=False, discoverable=False)
    assert added(graphql, token, key)["errors"] == []
    ceremony = asked(graphql)
    response = key.shown(key.credentials[0], ceremony["options"]["challenge"])

    with nothing_changes():
        assert refusals(sign_in(graphql, {"challengeToken": ceremony["token"], "response": response})) == [REJECTED]
    assert cause() == "user not verified"


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"clientId": "nobody"}, ("INVALID_CLIENT", ["clientId"])),
        ({"clientSecret": "x"}, ("INVALID_CLIENT", ["clientSecret"])),
        ({"scope": "everything"}, ("INVALID_SCOPE", ["scope"])),
        ({"refreshTokenTransport": "COOKIE"}, ("TRANSPORT_NOT_ALLOWED", ["refreshTokenTransport"])),
    ],
)
def test_the_client_is_admitted_first(graphql, authenticator, more, refusal):
    """S66: the ceremony is not spent."""
    given = answer(asked(graphql), authenticator)

    with nothing_changes():
        assert refusals(sign_in(graphql, given, **more)) == [refusal]
    assert sign_in(graphql, given)["tokens"]


def test_only_a_client_of_ours_asks(graphql):
    """INVALID_CLIENT."""
    assert refusals(ask(graphql, clientId="nobody")) == [("INVALID_CLIENT", ["clientId"])]


def test_asking_is_free_until_too_much_was_wrong(graphql, settings, authenticator, at):
    """S52, S53: each visit of a sign-in page asks; only failures count, by address."""
    settings.LATCHKEY = replace(settings.LATCHKEY, rate_limits=rate_limits("factor.address=3/15m"))
    for _ in range(10):
        asked(graphql)
    given = answer(asked(graphql), authenticator)
    for _ in range(3):
        assert refusals(sign_in(graphql, {**given, "response": {}})) == [REJECTED]

    with nothing_changes():
        assert codes(sign_in(graphql, given)) == ["RATE_LIMITED"]
        assert codes(ask(graphql)) == ["RATE_LIMITED"]
        assert codes(ask(graphql, purpose="SECOND_FACTOR", challengeToken="x")) == ["RATE_LIMITED"]


def test_a_right_answer_makes_the_address_known(graphql, account, authenticator, at):
    """S53: as a password does, so that a flood from elsewhere does not hold up the holder there."""
    at("192.0.2.2")
    assert signed_in(graphql, authenticator)["tokens"]
    for number in range(110):
        at(f"203.0.113.{number}")
        with_password(graphql, account, "not the password")

    at("192.0.2.2")
    assert with_password(graphql, account) == []
    at("192.0.2.3")
    assert with_password(graphql, account) == ["RATE_LIMITED"]


def with_password(graphql, account, password=PASSWORD) -> list[str]:
    """Sign in: the codes of the payload."""
    return codes(graphql(TOKEN_AUTH, input={"email": account.email, "password": password}).data["tokenAuth"])


def test_a_passkey_is_a_second_factor(graphql, account, authenticator):
    """After the password; it need not verify its user then. Its options name the account's passkeys."""
    with_app(account)
    waiting = challenge(graphql, account)
    ceremony = asked(graphql, purpose="SECOND_FACTOR", challengeToken=waiting)
    [named] = ceremony["options"]["allowCredentials"]
    assert named["id"] == b64(authenticator.credentials[0].id)

    payload = answer_factor(graphql, waiting, passkey=answer(ceremony, authenticator.with_(uv=False)))

    assert payload["errors"] == []
    assert graphql(ME, token=payload["tokens"]["accessToken"]).data["me"]["email"] == account.email


def test_a_second_factor_is_the_accounts(graphql, account, authenticator):
    """S76: neither another account's passkey nor another challenge's ceremony."""
    with_app(account)
    first, second = challenge(graphql, account), challenge(graphql, account)
    ceremony = asked(graphql, purpose="SECOND_FACTOR", challengeToken=first)
    given = answer(ceremony, authenticator)

    refused = answer_factor(graphql, second, passkey=given)

    assert refusals(refused) == [("INVALID_CHALLENGE", ["factor", "passkey", "challengeToken"])]
    assert answer_factor(graphql, first, passkey=given)["tokens"]


@pytest.mark.parametrize("made_up", ["", "x", "\0", "é" * 10])
def test_a_challenge_that_is_none(graphql, made_up):
    """INVALID_CHALLENGE."""
    payload = ask(graphql, purpose="SECOND_FACTOR", challengeToken=made_up)

    assert refusals(payload) == [("INVALID_CHALLENGE", ["challengeToken"])]


def test_reauthentication_needs_the_bearer(graphql, account, token, authenticator):
    """Its options name the account's passkeys, and want the user verified."""
    assert graphql(ASK, input={"purpose": "REAUTHENTICATION"}).codes == ["UNAUTHENTICATED"]
    options = asked(graphql, token, purpose="REAUTHENTICATION")["options"]
    assert [one["id"] for one in options["allowCredentials"]] == [b64(authenticator.credentials[0].id)]
    assert options["userVerification"] == "required"


def test_nothing_of_an_answer_is_logged(graphql, account, authenticator, caplog):
    """S47, S58: neither the token nor the signature, in events either."""
    caplog.set_level("DEBUG")
    given = answer(asked(graphql), authenticator.with_(origin="https://evil.example"))
    sign_in(graphql, given)

    told = caplog.text + str(list(SecurityEvent.objects.values()))
    assert given["challengeToken"] not in told
    assert given["response"]["response"]["signature"] not in told
    assert "evil.example" not in str(list(SecurityEvent.objects.values()))


def test_another_holder_is_not_found_by_a_made_up_account(graphql, authenticator):
    """The user handle alone opens nothing."""
    other = make_account(email_verified=True)
    handle = other.pk.bytes

    assert refusals(signed_in(graphql, authenticator.with_(user_handle=handle))) == [REJECTED]
    assert not Session.objects.filter(account=other).exists()

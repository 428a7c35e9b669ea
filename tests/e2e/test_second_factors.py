"""The journeys of docs/second-factors.md by the operations that stand there, over HTTP, with a passkey in software."""

import functools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyotp
import pytest
import requests
from graphql import FieldNode, OperationDefinitionNode, parse, print_ast

from tests.api import PASSWORD
from tests.authenticator import Authenticator
from tests.documents import ROOT, blocks
from tests.live import Live, serving

PAGE = ROOT / "docs" / "second-factors.md"
RPID = "localhost"
REGISTER = "mutation ($input: RegisterInput!) { register(input: $input) { tokens { accessToken } errors { code } } }"


@functools.cache
def operation(name: str, *words: str) -> str:
    """The first operation of the page with this root field that has these words."""
    for block in blocks(PAGE):
        for definition in parse(block.text).definitions if block.language == "graphql" else ():
            assert isinstance(definition, OperationDefinitionNode)
            root, text = definition.selection_set.selections[0], print_ast(definition)
            if isinstance(root, FieldNode) and root.name.value == name and all(word in text for word in words):
                return text
    raise LookupError(name, words)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A service that remembers browsers, and does not delay resets."""
    settings = {"MFA_REMEMBER_DAYS": "30", "MFA_RESET_DELAY_HOURS": "0", "PASSKEY_RP_ID": RPID}
    with serving(tmp_path_factory.mktemp("live"), **settings) as server:
        yield server


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A service that requires a second factor of everybody."""
    settings = {"MFA_REQUIRED_FOR": "all", "EMAIL_VERIFICATION": "mandatory", "PASSKEY_RP_ID": RPID}
    with serving(tmp_path_factory.mktemp("strict"), **settings) as server:
        yield server


@dataclass
class Person:
    """Somebody with an account, an authenticator app and a phone."""

    live: Live
    name: str
    token: str = ""
    secret: str = ""
    recovery_codes: list[str] = field(default_factory=list)
    phone: Authenticator = field(default_factory=lambda: Authenticator(origin="http://localhost:5173"))
    browser: requests.Session = field(default_factory=requests.Session)
    last_step: int = 0

    def run(self, name: str, /, *words: str, **variables: Any) -> Any:
        """The payload of an operation of the page, with the Bearer token if there is one."""
        return self.send(operation(name, *words), name, variables)

    def send(self, text: str, name: str, variables: dict[str, Any]) -> Any:
        """The payload of an operation."""
        headers = {"Origin": "http://localhost:5173", "X-Requested-With": "fetch"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        response = self.browser.post(
            f"{self.live.url}/graphql", json={"query": text, "variables": variables}, headers=headers, timeout=60
        )
        body = response.json()
        assert (response.status_code, body.get("errors")) == (200, None)
        return body["data"][name]

    def code(self) -> str:
        """The app's next code. Each counts once, so the third of a minute is waited for."""
        self.last_step = max(self.last_step + 1, int(time.time()) // 30)
        while self.last_step > int(time.time()) // 30 + 1:
            time.sleep(1)
        return pyotp.TOTP(self.secret).generate_otp(self.last_step)

    def sign_in(self) -> Any:
        """The payload of a sign-in with the password."""
        self.token = ""
        return self.signed_in(self.run("tokenAuth", email=f"{self.name}@example.com", password=PASSWORD))

    def signed_in(self, payload: Any) -> Any:
        """The same payload; if it has tokens, they are used from now on."""
        if payload["tokens"]:
            self.token = payload["tokens"]["accessToken"]
        return payload

    def set_up_app(self, **challenge: str) -> Any:
        """The payload at the end."""
        begun = self.run("createTotpEnrollment", *challenge and ["$challengeToken"], **challenge)["enrollment"]
        self.secret = pyotp.parse_uri(begun["uri"]).secret
        assert self.secret == begun["secret"]
        done = self.run("confirmTotpEnrollment", enrollmentToken=begun["token"], code=self.code())
        self.recovery_codes = done["recoveryCodes"]
        return done

    def add_passkey(self, **challenge: str) -> Any:
        """The payload at the end."""
        begun = self.run("createPasskeyRegistration", *challenge and ["$challengeToken"], **challenge)["ceremony"]
        made = self.phone.create(begun["options"])
        done = self.run("addPasskey", ceremonyToken=begun["token"], response=made, name="Phone")
        self.recovery_codes = done["recoveryCodes"] or self.recovery_codes
        return done

    def ask_passkey(self, *words: str, **variables: str) -> dict[str, Any]:
        """The variables that a passkey's answer goes into."""
        begun = self.run("createPasskeyAssertion", *words, **variables)["ceremony"]
        return {"ceremonyToken": begun["token"], "response": self.phone.get(begun["options"])}


def newcomer(live: Live, name: str) -> Person:
    """Somebody who has registered and verified the address, and is signed in."""
    person = Person(live, name)
    verify = (
        f"from accounts.models import Account; Account.objects.filter(username='{name}').update(email_verified=True)"
    )
    new = {"email": f"{name}@example.com", "username": name, "firstName": name, "password": PASSWORD}
    assert person.send(REGISTER, "register", {"input": new})["errors"] == []
    live.manage("shell", "-c", verify)
    person.sign_in()
    return person


def codes(payload: Any) -> list[str]:
    """Of its errors."""
    return [error["code"] for error in payload["errors"]]


def test_an_authenticator_app_is_set_up_used_and_switched_off(live):
    """Up to the sign-in that asks for nothing again."""
    ada = newcomer(live, "ada")
    done = ada.set_up_app()
    assert done["account"]["mfa"] == {
        "enabled": True, "methods": ["TOTP", "RECOVERY_CODE"], "recoveryCodesRemaining": 10,
    }  # fmt: skip

    asked = ada.sign_in()
    assert (codes(asked), asked["challenge"]["methods"]) == (["MFA_REQUIRED"], ["TOTP", "RECOVERY_CODE"])
    challenge = asked["challenge"]["token"]
    assert codes(ada.run("answerMfaChallenge", "totpCode", challengeToken=challenge, code="000000")) == ["INVALID_CODE"]
    ada.signed_in(ada.run("answerMfaChallenge", "totpCode", challengeToken=challenge, code=ada.code()))

    assert ada.run("disableTotp")["account"]["mfa"] == {"enabled": False, "methods": []}
    assert ada.sign_in()["errors"] == []


def test_recovery_codes_stand_in_and_are_replaced(live):
    """Each works once."""
    bob = newcomer(live, "bob")
    bob.set_up_app()
    first = bob.recovery_codes[0]
    answer = functools.partial(bob.run, "answerMfaChallenge", "recoveryCode", code=first)
    bob.signed_in(answer(challengeToken=bob.sign_in()["challenge"]["token"]))
    assert bob.run("me", "recoveryCodesRemaining")["mfa"]["recoveryCodesRemaining"] == 9

    again = answer(challengeToken=bob.sign_in()["challenge"]["token"])
    assert codes(again) == ["INVALID_CODE"]
    challenge = bob.sign_in()["challenge"]["token"]
    bob.signed_in(bob.run("answerMfaChallenge", "totpCode", challengeToken=challenge, code=bob.code()))
    fresh = bob.run("regenerateRecoveryCodes")
    assert len(set(fresh["recoveryCodes"]) - set(bob.recovery_codes)) == 10


def test_a_passkey_is_added_signs_in_and_is_removed(live):
    """It does not make the password ask for a second step."""
    eve = newcomer(live, "eve")
    added = eve.add_passkey()
    assert (added["passkey"]["canSignIn"], added["recoveryCodes"]) == (True, [])
    key = added["passkey"]["id"]
    assert eve.run("renamePasskey", id=key, name="My phone")["passkey"]["name"] == "My phone"
    listed = eve.run("me", "passkeyUser")
    assert listed["passkeyUser"]["rpId"] == RPID
    assert [passkey["name"] for passkey in listed["passkeys"]] == ["My phone"]

    assert eve.sign_in()["errors"] == []
    eve.token = ""
    assert eve.signed_in(eve.run("tokenAuthWithPasskey", **eve.ask_passkey()))["errors"] == []
    assert eve.run("removePasskey", id=key)["deletedPasskeyId"] == key


def test_a_passkey_is_a_second_factor_beside_an_app(live):
    """And proves again who is there."""
    kim = newcomer(live, "kim")
    kim.set_up_app()
    challenge = kim.sign_in()["challenge"]["token"]
    kim.signed_in(kim.run("answerMfaChallenge", "totpCode", challengeToken=challenge, code=kim.code()))
    kim.add_passkey()

    asked = kim.sign_in()["challenge"]
    assert "PASSKEY" in asked["methods"]
    shown = kim.ask_passkey("SECOND_FACTOR", challengeToken=asked["token"])
    kim.signed_in(kim.run("answerMfaChallenge", "passkey:", challengeToken=asked["token"], **shown))
    assert set(kim.run("me", "reauthenticationMethods")["reauthenticationMethods"]) >= {"PASSWORD", "TOTP", "PASSKEY"}
    proved = kim.run("reauthenticate", "passkey:", **kim.ask_passkey("REAUTHENTICATION"))
    assert proved["errors"] == []
    assert proved["expiresIn"] > 590


def test_sensitive_changes_need_both_factors_again(live):
    """In either order; the first one alone says which is missing."""
    max_ = newcomer(live, "max")
    max_.set_up_app()
    aged = "from datetime import timedelta; from accounts.models import Account, Session; "
    aged += "from django.db.models import F; Session.objects.filter(account__username='max').update("
    aged += "authenticated_at=F('authenticated_at') - timedelta(hours=1),"
    aged += " factor_proved_at=F('factor_proved_at') - timedelta(hours=1))"
    live.manage("shell", "-c", aged)
    assert codes(max_.run("disableTotp")) == ["REAUTHENTICATION_REQUIRED"]

    by_password = """mutation ($password: String!) {
      reauthenticate(input: {credential: {password: $password}}) { expiresIn errors { code } } }"""
    assert codes(max_.send(by_password, "reauthenticate", {"password": PASSWORD})) == ["MFA_REQUIRED"]
    assert max_.run("reauthenticate", "totpCode", code=max_.code())["expiresIn"] > 590
    assert max_.run("disableTotp")["errors"] == []


def test_a_remembered_browser_is_not_asked(live):
    """Until its session is revoked."""
    pat = newcomer(live, "pat")
    pat.set_up_app()
    by_cookie = operation("tokenAuth").replace(
        "password: $password", "password: $password, refreshTokenTransport: COOKIE"
    )
    credentials = {"email": "pat@example.com", "password": PASSWORD}

    def sign_in() -> Any:
        pat.token = ""
        return pat.signed_in(pat.send(by_cookie, "tokenAuth", credentials))

    challenge = sign_in()["challenge"]["token"]
    pat.signed_in(pat.run("answerMfaChallenge", "rememberBrowser", challengeToken=challenge, code=pat.code()))
    assert sign_in()["errors"] == []
    sessions = pat.run("me", "remembersBrowser")["sessions"]["nodes"]
    (current,) = [session for session in sessions if session["isCurrent"]]
    assert current["remembersBrowser"]

    revoke = "mutation ($id: ID!) { revokeSession(input: {id: $id}) { errors { code } } }"
    assert pat.send(revoke, "revokeSession", {"id": current["id"]})["errors"] == []
    assert codes(sign_in()) == ["MFA_REQUIRED"]


def test_staff_reset_what_its_holder_has_lost(live):
    """By the command, at once here."""
    zoe = newcomer(live, "zoe")
    zoe.set_up_app()
    zoe.add_passkey()
    live.manage("accounts", "reset-factors", "zoe@example.com", "--reason", "ticket 4711")

    assert zoe.sign_in()["errors"] == []
    assert zoe.run("me", "recoveryCodesRemaining")["mfa"]["methods"] == []


@pytest.mark.parametrize(("name", "factor"), [("lea", "app"), ("noa", "passkey")])
def test_a_service_that_requires_a_factor_has_one_set_up(strict, name, factor):
    """In place of the Bearer token, the challenge opens what sets it up; the tokens come after."""
    create = "from accounts.models import Account; Account.objects.create_user("
    create += f"email='{name}@example.com', username='{name}', password='{PASSWORD}', email_verified=True)"
    strict.manage("shell", "-c", create)
    person = Person(strict, name)
    asked = person.sign_in()
    assert codes(asked) == ["MFA_ENROLLMENT_REQUIRED"]
    token = asked["challenge"]["token"]
    assert codes(person.run("answerMfaEnrollmentChallenge", challengeToken=token)) == ["MFA_NOT_ENABLED"]

    set_up = person.set_up_app if factor == "app" else person.add_passkey
    assert set_up(challengeToken=token)["errors"] == []
    assert len(person.recovery_codes) == 10
    done = person.signed_in(person.run("answerMfaEnrollmentChallenge", challengeToken=token))
    assert done["errors"] == []
    assert codes(person.sign_in()) == ["MFA_REQUIRED"]

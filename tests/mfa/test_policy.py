"""MFA_REQUIRED_FOR: whose next sign-in has to set a second factor up, and what goes on meanwhile."""

from dataclasses import replace
from typing import Any

import pytest
import requests

from accounts.conf import MfaRequired, latchkey
from accounts.mails.models import Purpose
from accounts.people.models import Account
from tests.api import ME, PASSWORD, REFRESH, codes
from tests.factories import make_account
from tests.live import serving
from tests.mails import typed_code
from tests.mfa.calls import CONFIRM, CREATE, FINISH, SIGN_IN, confirm, create, finish, shown_password
from tests.mfa.enrolled import code_of, with_passkey
from tests.verification.calls import ANSWER as ANSWER_VERIFICATION

ROOT = {"email": "root@example.com", "password": "an administrators passphrase"}


@pytest.fixture
def policy(settings):
    """Change it for a test: `policy(MfaRequired.STAFF)`."""

    def change(required: MfaRequired) -> None:
        settings.LATCHKEY = replace(latchkey(), mfa_required_for=required)

    return change


def enrolled(graphql, payload: Any) -> Any:
    """Set an app up with the challenge of this payload; the payload of the end of the sign-in."""
    token = payload["challenge"]["token"]
    assert codes(confirm(graphql, create(graphql, token=token)["enrollment"])) == []
    return finish(graphql, token)


@pytest.mark.parametrize(
    ("required", "rights", "asked"),
    [
        (MfaRequired.NONE, {"is_staff": True}, False),
        (MfaRequired.STAFF, {}, False),
        (MfaRequired.STAFF, {"is_staff": True}, True),
        (MfaRequired.STAFF, {"is_superuser": True}, True),
        (MfaRequired.ALL, {}, True),
    ],
)
def test_the_policy_says_whose_sign_in_has_to_set_a_factor_up(graphql, db, policy, required, rights, asked):
    """No tokens come before that."""
    policy(required)

    payload = shown_password(graphql, make_account(email_verified=True, **rights))

    assert codes(payload) == (["MFA_ENROLLMENT_REQUIRED"] if asked else [])
    assert bool(payload["tokens"]) is not asked


def test_staff_set_a_factor_up_at_the_next_sign_in(graphql, db, policy):
    """And are asked for it at the one after that."""
    policy(MfaRequired.STAFF)
    account = make_account(email_verified=True, is_staff=True)

    done = enrolled(graphql, shown_password(graphql, account))

    assert codes(done) == []
    assert graphql(ME, token=done["tokens"]["accessToken"]).status == 200
    assert codes(shown_password(graphql, account)) == ["MFA_REQUIRED"]


def test_an_unverified_address_is_confirmed_first(graphql, db, policy):
    """S87: then comes the factor, then the tokens; `createsuperuser` makes such accounts."""
    policy(MfaRequired.STAFF)
    account = make_account(is_staff=True, is_superuser=True)

    first = shown_password(graphql, account)
    assert codes(first) == ["EMAIL_VERIFICATION_REQUIRED"]
    given = {"challengeToken": first["challenge"]["token"], "code": typed_code(account.email, Purpose.VERIFY)}
    document = ANSWER_VERIFICATION.replace("errors {", "challenge { token } errors {")
    second = graphql(document, input=given).data["answerEmailVerificationChallenge"]
    assert codes(second) == ["MFA_ENROLLMENT_REQUIRED"]
    done = enrolled(graphql, second)

    assert codes(done) == []
    assert Account.objects.get(pk=account.pk).email_verified


def test_sessions_that_live_go_on(graphql, signed_in, policy):
    """A policy that comes later asks at the next sign-in only."""
    policy(MfaRequired.ALL)

    assert graphql(ME, token=signed_in.access_token).status == 200
    payload = graphql(REFRESH, input={"refreshToken": signed_in.refresh_token}).data["refreshToken"]
    assert codes(payload) == []


def test_who_becomes_staff_is_asked_at_the_next_sign_in(graphql, sign_in, policy):
    """The session from before goes on."""
    policy(MfaRequired.STAFF)
    account = make_account(email_verified=True)
    session = sign_in(account)

    Account.objects.filter(pk=account.pk).update(is_staff=True)

    assert graphql(ME, token=session.access_token).status == 200
    assert codes(shown_password(graphql, account)) == ["MFA_ENROLLMENT_REQUIRED"]


def test_without_the_policy_a_passkey_alone_asks_for_nothing(graphql, db, policy):
    """What was set up as an app still does: it is the holder's wish by now."""
    holder, keeper = (make_account(email_verified=True, is_staff=True) for _ in range(2))
    with_passkey(keeper)
    policy(MfaRequired.STAFF)
    enrolled(graphql, shown_password(graphql, holder))
    assert codes(shown_password(graphql, keeper)) == ["MFA_REQUIRED"]

    policy(MfaRequired.NONE)

    assert codes(shown_password(graphql, keeper)) == []
    assert codes(shown_password(graphql, holder)) == ["MFA_REQUIRED"]


def test_a_superuser_of_the_command_line_gets_in(tmp_path):
    """S81, S87: over real HTTP, with `createsuperuser`: the address, then the factor, then the tokens."""
    with serving(tmp_path, MFA_REQUIRED_FOR="staff") as live:
        live.environment["DJANGO_SUPERUSER_PASSWORD"] = ROOT["password"]
        live.manage("createsuperuser", "--noinput", f"--email={ROOT['email']}", "--username=root1", "--first_name=Root")

        def ask(query: str, **given: Any) -> Any:
            body = {"query": query, "variables": {"input": given}}
            response = requests.post(f"{live.url}/graphql", json=body, timeout=60)
            [payload] = response.json()["data"].values()
            return payload

        first = ask(SIGN_IN, **ROOT)
        assert codes(first) == ["EMAIL_VERIFICATION_REQUIRED"]
        show = "from accounts.mails.models import Purpose; from tests.mails import typed_code;"
        code = live.manage("shell", "-v0", "-c", f"{show} print(typed_code({ROOT['email']!r}, Purpose.VERIFY))")
        document = ANSWER_VERIFICATION.replace("errors {", "challenge { token } errors {")
        second = ask(document, challengeToken=first["challenge"]["token"], code=code.split()[-1])
        assert codes(second) == ["MFA_ENROLLMENT_REQUIRED"]
        token = second["challenge"]["token"]
        enrollment = ask(CREATE, challengeToken=token)["enrollment"]
        confirmed = ask(CONFIRM, challengeToken=enrollment["token"], code=code_of(enrollment["secret"]))
        assert codes(confirmed) == []
        done = ask(FINISH, challengeToken=token)

        assert codes(done) == [] and done["tokens"]["accessToken"]
        # The administration now asks for it, and takes a recovery code.
        page = requests.Session()
        form = {"username": ROOT["email"], "password": ROOT["password"]}
        assert enter(page, f"{live.url}/admin/login/?next=/admin/", form).url == f"{live.url}/admin/login/factor/"
        code = confirmed["recoveryCodes"][0]
        assert enter(page, f"{live.url}/admin/login/factor/", {"code": code}).url == f"{live.url}/admin/"


def enter(page: requests.Session, url: str, form: dict[str, str]) -> requests.Response:
    """Send a form of the administration."""
    page.get(url, timeout=60)
    return page.post(url, {**form, "csrfmiddlewaretoken": page.cookies["csrftoken"]}, timeout=60)


def test_a_wrong_password_does_not_tell_who_needs_a_factor(graphql, db, policy):
    """S1: the answer is that for an unknown address."""
    policy(MfaRequired.ALL)
    account = make_account(email_verified=True)

    wrong = graphql(SIGN_IN, input={"email": account.email, "password": f"{PASSWORD}!"}).data["tokenAuth"]
    unknown = graphql(SIGN_IN, input={"email": "nobody@example.com", "password": PASSWORD}).data["tokenAuth"]

    assert codes(wrong) == ["INVALID_CREDENTIALS"]
    assert wrong == unknown

"""S82: however a password changes or an account is shut, sessions end for good; opening it again revives nothing."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

import pytest
import requests
from django.contrib.auth.management.commands import changepassword
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from oauth2_provider.models import get_grant_model
from social_django.models import UserSocialAuth

from accounts.people.errors import AccountDisabled
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.social import sign_in
from accounts.tokens import api as bearer_tokens
from accounts.tokens.api import AccessToken, RefreshToken
from accounts.tokens.errors import InvalidGrant
from accounts.tokens.models import Session
from tests.api import CONVERT, ME, PASSWORD, REFRESH, REGISTER, TOKEN_AUTH, codes
from tests.factories import make_account
from tests.live import UNLIMITED, Live, serving

Grant = get_grant_model()
NEW = "a passphrase of the holder"


def reread(account: Account) -> Account:
    """Another object of the same row, as each request has one."""
    return Account.objects.get(pk=account.pk)


def save_password(account):
    """As most code does it."""
    account = reread(account)
    account.set_password(NEW)
    account.save()


def save_password_only(account):
    """As Django's documentation shows it."""
    account = reread(account)
    account.set_password(NEW)
    account.save(update_fields=["password"])


def save_no_password(account):
    """The account signs in by providers only from now on."""
    account = reread(account)
    account.set_unusable_password()
    account.save()


def update_password(account):
    """Without an object."""
    other = make_account(password=NEW)
    Account.objects.filter(pk=account.pk).update(password=other.password)


def change_password_by_command(account):
    """`manage.py changepassword`."""
    with mock.patch.object(changepassword.getpass, "getpass", return_value=NEW):
        call_command("changepassword", account.email, stdout=io.StringIO())


def sign_out_everywhere(account):
    """Without any other change."""
    account = reread(account)
    account.end_sessions()
    assert account.session_epoch == reread(account).session_epoch


def save_inactive(account):
    """As the administration does it."""
    account = reread(account)
    account.is_active = False
    account.save()


def save_inactive_only(account):
    """As one's own code may."""
    account = reread(account)
    account.is_active = False
    account.save(update_fields=["is_active"])


def update_inactive(account):
    """As an action for many accounts."""
    Account.objects.filter(is_active=True).update(is_active=False)


def bulk_update_inactive(account):
    """Another for many, with a value for each."""
    account, other = reread(account), make_account()
    account.is_active = False
    Account.objects.bulk_update([account, other], ["is_active", "first_name"])


CHANGES = [
    save_password,
    save_password_only,
    save_no_password,
    update_password,
    change_password_by_command,
    sign_out_everywhere,
]
SHUTS = [save_inactive, save_inactive_only, update_inactive, bulk_update_inactive]


def reopen_by_save(account):
    """Object by object."""
    account = reread(account)
    account.is_active = True
    account.save()


def reopen_by_update(account):
    """All at once."""
    Account.objects.update(is_active=True)


@pytest.fixture
def code(signed_in):
    """An authorization code that was not traded yet."""
    return Grant.objects.create(
        user=signed_in.account,
        code="a-code",
        application=Session.objects.get().client,
        expires=Session.objects.get().expires_at,
        redirect_uri="https://a.example",
        scope="account",
    )


def is_over(graphql, signed_in) -> bool:
    """Whether nothing of the session is left, for the client and in the database."""
    refreshed = graphql(REFRESH, input={"refreshToken": signed_in.refresh_token}).data["refreshToken"]
    assert codes(refreshed) == ["INVALID_GRANT"]
    assert graphql(ME, token=signed_in.access_token).status == 401
    assert not RefreshToken.objects.filter(revoked=None).exists()
    return not (Session.objects.exists() or AccessToken.objects.exists() or Grant.objects.exists())


@pytest.mark.parametrize("change", [*CHANGES, *SHUTS])
def test_all_sessions_end(graphql, sign_in, signed_in, code, change):
    """S10, S13, S82: at every client, with the codes that wait."""
    also = sign_in(signed_in.account)

    change(signed_in.account)

    assert is_over(graphql, signed_in) and is_over(graphql, also)


@pytest.mark.parametrize("shut", SHUTS)
@pytest.mark.parametrize("reopen", [reopen_by_save, reopen_by_update])
def test_opening_an_account_again_revives_nothing(graphql, signed_in, code, shut, reopen):
    """S82: and one can sign in again."""
    shut(signed_in.account)
    reopen(signed_in.account)

    assert is_over(graphql, signed_in)
    given = {"email": signed_in.account.email, "password": PASSWORD}
    assert graphql(TOKEN_AUTH, input=given).data["tokenAuth"]["errors"] == []


@pytest.mark.parametrize("reopen", [reopen_by_save, reopen_by_update])
def test_opening_ends_what_was_shut_behind_our_back(graphql, signed_in, reopen):
    """S82: by SQL, or by a fixture that was loaded, which no code of ours sees."""
    Account._base_manager.filter(pk=signed_in.account.pk).update(is_active=False)

    reopen(signed_in.account)

    assert is_over(graphql, signed_in)


def touch(account):
    """A field that opens nothing."""
    account.first_name = "Augusta"
    account.save()


def touch_by_update(account):
    """The same, and what is so already."""
    Account.objects.update(first_name="Augusta", is_active=True)


def renew_the_hash(account):
    """What signing in does once the cost has changed (S7)."""
    with mock.patch("accounts.shared.hashers.ConfiguredArgon2Hasher.memory_cost", 16):
        assert account.check_password(PASSWORD)


@pytest.mark.parametrize("change", [touch, touch_by_update, renew_the_hash])
def test_what_is_no_change_ends_nothing(graphql, signed_in, change):
    """S82: neither sessions nor sign-ins that are under way."""
    before = reread(signed_in.account)

    change(reread(signed_in.account))

    assert (reread(before).password != before.password) == (change is renew_the_hash)
    assert graphql(ME, token=signed_in.access_token).status == 200
    assert issue(before)


def test_nobody_elses_sessions_end(graphql, sign_in, signed_in):
    """Neither by one row nor by many."""
    bystander = sign_in(make_account())

    save_password(signed_in.account)
    Account.objects.filter(pk=signed_in.account.pk).update(is_active=False)

    assert graphql(ME, token=bystander.access_token).status == 200


def test_a_change_that_is_undone_ends_nothing(graphql, signed_in):
    """Both or neither."""
    with transaction.atomic():
        update_inactive(signed_in.account)
        transaction.set_rollback(True)

    assert graphql(ME, token=signed_in.access_token).status == 200


def test_an_object_that_was_read_before_revives_nothing(graphql, signed_in):
    """S82: saved whole, it brings the old password back; no session, and no epoch that a sign-in was proven in."""
    stale = reread(signed_in.account)
    save_password(signed_in.account)
    between = reread(signed_in.account)

    stale.first_name = "Augusta"
    stale.save()

    assert stale.session_epoch == reread(stale).session_epoch == between.session_epoch + 1
    assert is_over(graphql, signed_in)


def issue(account: Account):
    """What a way to sign in does with the account that it has found."""
    return bearer_tokens.issue(account=account, grant=bearer_tokens.authorize_client(), caller=Caller())


@pytest.mark.parametrize("change", CHANGES)
def test_a_sign_in_under_way_ends_with_the_password(default_client, account, change):
    """S82: proven in time, and asks for tokens too late. The account is not disabled, and nobody says so."""
    proven = reread(account)
    change(account)

    with pytest.raises(InvalidGrant):
        issue(proven)

    assert not Session.objects.exists()
    assert issue(reread(account))


@pytest.mark.parametrize("shut", SHUTS)
def test_a_sign_in_under_way_ends_with_the_account(default_client, account, shut):
    """S13, S34: disabled is said of disabled accounts only; and reopening does not let it through."""
    proven = reread(account)
    shut(account)

    with pytest.raises(AccountDisabled):
        issue(proven)
    reopen_by_update(account)
    with pytest.raises(InvalidGrant):
        issue(proven)

    assert not Session.objects.exists()


@pytest.fixture
def in_between(monkeypatch):
    """Do something once between finding whose an identity is and giving tokens: `in_between(change)`."""

    def arrange(change) -> None:
        identify, changes = sign_in.identify, [change]

        def identify_then_change(*given: Any, **more: Any) -> Any:
            identified = identify(*given, **more)
            if changes:
                changes.pop()(identified.account)
            return identified

        monkeypatch.setattr(sign_in, "identify", identify_then_change)

    return arrange


def sign_in_by_google(graphql, providers) -> Any:
    """The payload."""
    given = {"provider": "google", "credential": {"accessToken": providers.google_token()}}
    return graphql(CONVERT, input=given).data["convertSocialToken"]


@pytest.mark.parametrize("change", [renew_the_hash, save_password, update_password])
def test_a_provider_signs_in_whatever_happens_to_the_password(graphql, providers, in_between, change):
    """Not even ACCOUNT_DISABLED of an active account, which a renewed hash was enough for."""
    sign_in_by_google(graphql, providers)
    account = Account.objects.get(email="ada@example.com")
    account.set_password(PASSWORD)
    account.save()
    in_between(change)

    assert sign_in_by_google(graphql, providers)["errors"] == []


def test_an_identity_that_is_displaced_meanwhile_opens_nothing(graphql, providers, in_between):
    """S9: its holder was taken over by the address's."""

    def displace(account):
        UserSocialAuth.objects.all().delete()
        save_no_password(account)

    sign_in_by_google(graphql, providers)
    Session.objects.all().delete()
    in_between(displace)

    assert codes(sign_in_by_google(graphql, providers)) == ["LINK_REQUIRED"]
    assert not Session.objects.exists()


@pytest.mark.parametrize("shut", SHUTS)
def test_disabled_meanwhile_is_disabled(graphql, providers, in_between, shut):
    """S34."""
    sign_in_by_google(graphql, providers)
    in_between(shut)

    assert codes(sign_in_by_google(graphql, providers)) == ["ACCOUNT_DISABLED"]
    assert not Session.objects.exists()


def test_what_a_code_is_traded_for_ends_after_the_code(signed_in, code):
    """S82: the exchange deletes the code, which is waited for, and only then does its session show."""
    with CaptureQueriesContext(connection) as statements:
        save_password(signed_in.account)

    sent = [statement["sql"] for statement in statements]
    (deletes_codes,) = [n for n, sql in enumerate(sent) if sql.startswith('DELETE FROM "oauth2_provider_grant"')]
    assert deletes_codes < min(n for n, sql in enumerate(sent) if '"accounts_session"' in sql)


def test_a_renewed_hash_is_not_written_over_a_new_password(account):
    """S7: of somebody who signs in with the old password while it is changed."""
    old = reread(account)
    save_password(account)

    renew_the_hash(old)

    assert reread(account).check_password(NEW)


@pytest.fixture
def staff(admin_browser, db):
    """A superuser who has signed in to the administration."""
    somebody = make_account(is_staff=True, is_superuser=True)
    form = {"username": somebody.email, "password": PASSWORD}
    assert admin_browser.post("/admin/login/?next=/admin/", form).status_code == 302
    return somebody


@pytest.mark.parametrize("shut", SHUTS)
@pytest.mark.parametrize("reopen", [reopen_by_save, reopen_by_update])
def test_the_administrations_sessions_end_too(admin_browser, staff, shut, reopen):
    """S82: Django's own sessions know the password only, and would live again."""
    assert admin_browser.get("/admin/").status_code == 200

    shut(staff)
    reopen(staff)

    assert admin_browser.get("/admin/").status_code == 302


def test_changing_ones_own_password_in_the_administration(admin_browser, graphql, sign_in, staff):
    """S82: ends everything but the browser in which it is done."""
    tokens = sign_in(staff)
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}

    assert admin_browser.post(reverse("admin:password_change"), form).status_code == 302

    assert is_over(graphql, tokens)
    assert admin_browser.get("/admin/").status_code == 200


@pytest.mark.parametrize("usable", ["true", "false"])
def test_setting_somebodys_password_in_the_administration(admin_browser, graphql, signed_in, staff, usable):
    """S82: a new one, or none."""
    form = {"password1": NEW, "password2": NEW, "usable_password": usable}
    if usable == "false":
        form = {"usable_password": usable, "unset-password": "on"}

    response = admin_browser.post(reverse("admin:auth_user_password_change", args=[signed_in.account.pk]), form)

    assert response.status_code == 302
    assert reread(signed_in.account).has_usable_password() == (usable == "true")
    assert is_over(graphql, signed_in)


SHELL = ("shell", "-v", "0", "-c")
GIVEN = {"email": "ada@example.org", "username": "ada", "firstName": "Ada", "password": PASSWORD}


def go_on(live: Live, stop: threading.Event) -> list[str]:
    """Sign in and refresh until told to stop; the access tokens that were got. Never a fault of ours."""

    def call(operation: str, **given: str) -> Any:
        status, body = live.post(operation, input=given)
        assert status == 200 and "errors" not in body
        payload = next(iter(body["data"].values()))
        assert set(codes(payload)) <= {"INVALID_CREDENTIALS", "INVALID_GRANT"}
        return payload["tokens"]

    got = []
    while not stop.is_set():
        tokens = call(TOKEN_AUTH, email=GIVEN["email"], password=PASSWORD)
        for _ in range(5):
            if tokens:
                got.append(tokens["accessToken"])
                tokens = call(REFRESH, refreshToken=tokens["refreshToken"])
    return got


def test_nothing_that_is_under_way_survives(tmp_path):
    """S13, S82: sign-ins and refreshes from many connections while the account is shut. A real server."""
    cache = f"filecache://{tmp_path / 'cache'}"
    with serving(tmp_path, WORKERS="2", THREADS="4", CACHE_URL=cache, **UNLIMITED) as live:
        live.post(REGISTER, input=GIVEN)
        stop = threading.Event()
        with ThreadPoolExecutor(6) as pool:
            attempts = [pool.submit(go_on, live, stop) for _ in range(6)]
            stop.wait(1)
            live.manage(*SHELL, "from accounts.models import Account; Account.objects.update(is_active=False)")
            stop.set()
            got = [token for attempt in attempts for token in attempt.result()]
        live.manage(*SHELL, "from accounts.models import Account; Account.objects.update(is_active=True)")

        assert got
        assert {live.post(ME, headers={"Authorization": f"Bearer {token}"})[0] for token in got} == {401}


def test_ones_own_password_by_a_real_browsers_forms(tmp_path):
    """S81, S82: `/admin/password_change/` of a real server, with its cookies and its CSRF token."""
    with serving(tmp_path) as live, requests.Session() as browser:
        tokens = live.post(REGISTER, input=GIVEN)[1]["data"]["register"]["tokens"]
        staff = "from accounts.models import Account; Account.objects.update(is_staff=True, is_superuser=True)"
        live.manage(*SHELL, staff)

        def submit(path: str, **form: str) -> requests.Response:
            browser.get(f"{live.url}{path}", timeout=10)
            form["csrfmiddlewaretoken"] = browser.cookies["csrftoken"]
            return browser.post(f"{live.url}{path}", form, timeout=10, allow_redirects=False)

        assert submit("/admin/login/?next=/admin/", username=GIVEN["email"], password=PASSWORD).status_code == 302
        form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
        assert submit("/admin/password_change/", **form).status_code == 302

        assert live.post(ME, headers={"Authorization": f"Bearer {tokens['accessToken']}"})[0] == 401
        refreshed = live.post(REFRESH, input={"refreshToken": tokens["refreshToken"]})[1]["data"]["refreshToken"]
        assert codes(refreshed) == ["INVALID_GRANT"]
        assert browser.get(f"{live.url}/admin/", timeout=10, allow_redirects=False).status_code == 200

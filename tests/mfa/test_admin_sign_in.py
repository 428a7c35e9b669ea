"""The administration asks for the second factor too: its own sign-in is no way around it (S77)."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.contrib import admin
from django.contrib.auth import login
from django.contrib.sessions.models import Session
from django.db import transaction
from django.test import RequestFactory
from django.urls import URLPattern, reverse
from django.utils import timezone

from accounts.conf import MfaRequired, latchkey, rate_limits
from accounts.factors import webauthn
from accounts.factors.models import FactorReset, Totp
from accounts.guard.models import SecurityEvent
from accounts.mfa import admin_sign_in, resetting
from accounts.people.models import Account
from tests.api import PASSWORD
from tests.authenticator import Authenticator
from tests.browser import AdminBrowser
from tests.factories import make_account
from tests.mfa.enrolled import code_of, with_app, with_codes, with_passkey

LOGIN, FACTOR, INDEX = "/admin/login/", "/admin/login/factor/", "/admin/"
NEW = "a passphrase of the holder"


@pytest.fixture
def root(db) -> Account:
    """An administrator."""
    return make_account(email="root@example.com", is_staff=True, is_superuser=True, email_verified=True)


@pytest.fixture
def app(root) -> str:
    """The secret of the administrator's authenticator app."""
    return with_app(root)


@pytest.fixture
def enter(admin_browser, root):
    """Send the password; returns the response."""
    return lambda page=INDEX, password=PASSWORD: admin_browser.post(
        f"{LOGIN}?next={page}", {"username": root.email, "password": password}
    )


def is_in(browser) -> bool:
    """Whether the browser has entered."""
    return browser.get(INDEX).status_code == 200


def happened(begin: str = "") -> list[tuple[str, str]]:
    """Type and cause of all events, oldest first."""
    rows = SecurityEvent.objects.filter(type__startswith=begin).order_by("created_at")
    return list(rows.values_list("type", "cause"))


def policy(settings, required: MfaRequired) -> None:
    """Whose sign-in needs a factor."""
    settings.LATCHKEY = replace(latchkey(), mfa_required_for=required)


def test_the_password_alone_does_not_enter(admin_browser, enter, app):
    """It leads to the page for the factor; who knew the password is recorded, as at `tokenAuth`."""
    response = enter()

    assert response.headers["Location"] == FACTOR
    assert not is_in(admin_browser)
    page = admin_browser.get(FACTOR)
    assert (page.status_code, page.headers["Cache-Control"]) == (
        200, "max-age=0, no-cache, no-store, must-revalidate, private",
    )  # fmt: skip
    assert happened() == [("account:login:failure", "MFA_REQUIRED")]


def test_a_code_of_the_app_enters(admin_browser, enter, app, root):
    """And opens the page that was asked for; the session has another key than before."""
    enter("/admin/accounts/account/?q=1")
    before = admin_browser.cookies["sessionid"].value

    response = admin_browser.post(FACTOR, {"code": code_of(app)})

    assert response.headers["Location"] == "/admin/accounts/account/?q=1"
    assert is_in(admin_browser)
    assert admin_browser.cookies["sessionid"].value != before
    assert happened()[1:] == [("account:login:success", "")]
    assert Account.objects.get(pk=root.pk).last_login
    assert admin_browser.get(FACTOR).headers["Location"] == reverse("admin:login")


def test_a_recovery_code_enters_once(admin_browser, enter, app, root):
    """In capitals or not, with its dashes or without."""
    code = with_codes(root)[0]
    enter()

    assert admin_browser.post(FACTOR, {"code": code.lower()}).status_code == 302
    assert is_in(admin_browser)
    assert ("mfa:recovery_codes:use", "") in happened()

    admin_browser.post("/admin/logout/")
    enter()
    assert admin_browser.post(FACTOR, {"code": code}).status_code == 200
    assert not is_in(admin_browser)


def passkey_of(account: Account, authenticator: Authenticator) -> None:
    """Let the authenticator make a passkey."""
    ceremony = webauthn.begin_registration(account, bound_to="here")
    answer = authenticator.create(ceremony.options)
    with transaction.atomic():
        webauthn.verify_registration(ceremony.token, answer, account=account, bound_to="here", name="Key")


def assertion(page, authenticator: Authenticator) -> dict[str, str]:
    """What the script of the page sends."""
    ceremony = page.context["ceremony"]
    return {"ceremony": ceremony.token, "answer": json.dumps(authenticator.get(ceremony.options))}


def test_a_passkey_enters(admin_browser, enter, app, root):
    """It need not verify its user: the password was right."""
    key = Authenticator(uv=False)
    passkey_of(root, key)
    enter()

    response = admin_browser.post(FACTOR, assertion(admin_browser.get(FACTOR), key))

    assert response.status_code == 302
    assert is_in(admin_browser)


def test_an_answer_of_a_passkey_counts_in_the_sign_in_that_it_was_made_for(admin_browser, enter, app, root):
    """S76: neither twice nor in another browser."""
    key = Authenticator()
    passkey_of(root, key)
    enter()
    answer = assertion(admin_browser.get(FACTOR), key)
    other = AdminBrowser()
    other.post(LOGIN, {"username": root.email, "password": PASSWORD})

    assert other.post(FACTOR, answer).status_code == 200
    assert not is_in(other)
    assert admin_browser.post(FACTOR, answer).status_code == 302
    enter()
    assert admin_browser.post(FACTOR, answer).status_code == 200


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"code": ""},
        {"code": "000000"},
        {"code": "BBBB-BBBB-BBBB"},
        {"code": "x" * 65},
        {"code": "\0"},
        {"code": "１２３４５６"},
        {"ceremony": "x", "answer": "[" * 9000},
        {"ceremony": "x", "answer": "{}"},
        {"ceremony": "x" * 20_000, "answer": "null"},
    ],
)
def test_a_wrong_factor_does_not_enter(admin_browser, enter, app, given):
    """The page says so, and another attempt may follow."""
    enter()

    response = admin_browser.post(FACTOR, given)

    assert response.status_code == 200
    assert b'role="alert"' in response.content
    assert not is_in(admin_browser)
    assert admin_browser.post(FACTOR, {"code": code_of(app)}).status_code == 302


def test_a_code_does_not_enter_twice(admin_browser, enter, app):
    """S57: not even after a new sign-in."""
    enter()
    code = code_of(app)
    admin_browser.post(FACTOR, {"code": code})
    admin_browser.post("/admin/logout/")
    enter()

    assert admin_browser.post(FACTOR, {"code": code}).status_code == 200
    assert not is_in(admin_browser)


def test_guesses_are_limited_and_recorded(admin_browser, enter, app, settings):
    """S57: then not even the right code is looked at. They count with those at the API."""
    settings.LATCHKEY = replace(latchkey(), rate_limits=rate_limits("factor.account=3/1h"))
    admin_browser.defaults["REMOTE_ADDR"] = "8.8.4.4"
    enter()
    for _ in range(3):
        admin_browser.post(FACTOR, {"code": "000000"})

    response = admin_browser.post(FACTOR, {"code": code_of(app)})

    assert b"Too many attempts" in response.content
    assert not is_in(admin_browser)
    assert set(happened("mfa:")) == {("mfa:answer:failure", "INVALID_CODE"), ("mfa:answer:failure", "RATE_LIMITED")}


def wait(_root: Account, clock) -> None:
    """For too long."""
    clock.shift(timedelta(minutes=16))


def change_password(root: Account, _clock) -> None:
    """By its holder, elsewhere."""
    root.set_password(NEW)
    root.save()


def end_sessions(root: Account, _clock) -> None:
    """Everywhere."""
    root.end_sessions()


def disable(root: Account, _clock) -> None:
    """By staff."""
    Account.objects.filter(pk=root.pk).update(is_active=False)


def demote(root: Account, _clock) -> None:
    """By staff."""
    Account.objects.filter(pk=root.pk).update(is_staff=False)


def delete(root: Account, _clock) -> None:
    """By staff."""
    root.delete()


@pytest.mark.parametrize("change", [wait, change_password, end_sessions, disable, demote, delete])
def test_a_sign_in_that_waits_ends_with_what_it_stands_on(admin_browser, enter, app, root, change):
    """S78: the right factor does not complete it."""
    with time_machine.travel(timezone.now(), tick=True) as clock:
        enter()
        change(root, clock)

        response = admin_browser.post(FACTOR, {"code": code_of(app)})

        assert response.headers["Location"] == reverse("admin:login")
        assert not is_in(admin_browser)
        assert not happened("account:login:success")


def test_the_form_needs_its_token(enter, app, admin_browser):
    """S81: no other page can send it."""
    enter()

    response = super(AdminBrowser, admin_browser).post(FACTOR, {"code": code_of(app)})

    assert response.status_code == 403
    assert not is_in(admin_browser)


def test_without_a_password_there_is_nothing_to_confirm(admin_browser, db):
    """The page leads to the first step."""
    for response in (admin_browser.get(FACTOR), admin_browser.post(FACTOR, {"code": "000000"})):
        assert response.headers["Location"] == reverse("admin:login")
    assert SecurityEvent.objects.count() == 0


@pytest.mark.parametrize("page", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_the_page_that_follows_is_one_of_ours(admin_browser, enter, app, page):
    """Not an address that a link has smuggled in."""
    enter(page)

    response = admin_browser.post(FACTOR, {"code": code_of(app)})

    assert "evil" not in response.headers["Location"] and "script" not in response.headers["Location"]


def test_the_waiting_session_holds_no_secret(enter, app, root):
    """S15: neither the password nor the secret of the app."""
    enter()

    stored = str(Session.objects.get().get_decoded())
    assert PASSWORD not in stored and app not in stored and root.password not in stored


ARGUMENTS = {"object_id": "1", "app_label": "accounts", "url": "nothing", "content_type_id": "1", "id": "1"}
OPEN = {"/admin/login/", "/admin/logout/", FACTOR, "/admin/nothing"}
"""What opens without a session, and shows nothing."""


def addresses() -> list[str]:
    """One of each URL of the administration."""
    return sorted({FACTOR, *(INDEX + route for route in _routes(admin.site.get_urls()))})


def _routes(urls, prefix: str = "") -> list[str]:
    found = []
    for url in urls:
        text = prefix + _filled(url.pattern)
        found += [text] if isinstance(url, URLPattern) else _routes(url.url_patterns, text)
    return found


def _filled(pattern) -> str:
    """The route with a value for each argument."""
    text = str(pattern)
    if text.startswith("^"):
        return "accounts/" if "app_label" in text else "nothing"
    for converter in pattern.converters:
        text = (
            text.replace(f"<path:{converter}>", "1").replace(f"<int:{converter}>", "1").replace(f"<{converter}>", "1")
        )
    return text


def test_a_waiting_session_opens_no_page(admin_browser, enter, app):
    """S77: of all URLs of the administration, for either method."""
    enter()
    walked = addresses()
    assert len(walked) > 60

    for address in walked:
        for response in (admin_browser.get(address), admin_browser.post(address, {"post": "yes"})):
            if address in OPEN:
                assert b"Site administration" not in response.content
                continue
            assert response.status_code == 302, address
            assert response.headers["Location"].startswith(LOGIN), address
        if address == "/admin/logout/":
            enter()


def test_a_session_that_other_code_began_does_not_count(root, app):
    """Another site's view, or one that a deployment added, which asks for no factor."""
    browser = AdminBrowser()
    browser.force_login(root)

    assert browser.get(INDEX).status_code == 302
    Totp.objects.all().delete()
    assert browser.get(INDEX).status_code == 200


def test_the_view_of_every_site_is_covered(root, app, settings):
    """A second AdminSite has Django's own sign-in: what that begins opens nothing."""
    request = RequestFactory().post(LOGIN)
    browser = AdminBrowser()
    request.session = browser.session
    login(request, root)
    request.session.save()
    browser.cookies["sessionid"] = request.session.session_key

    assert browser.get(INDEX).status_code == 302


def test_a_mark_is_good_for_its_account_only(root, app):
    """Whoever signed in before in the same browser."""
    other = make_account(is_staff=True, is_superuser=True)
    browser = AdminBrowser()
    browser.post(LOGIN, {"username": other.email, "password": PASSWORD})
    assert browser.get(INDEX).status_code == 200
    session = browser.session
    mark = session[admin_sign_in.MARK]

    browser.force_login(root)
    session = browser.session
    session[admin_sign_in.MARK] = mark
    session.save()

    assert browser.get(INDEX).status_code == 302


def test_an_account_without_a_factor_enters_with_its_password(admin_browser, enter, root):
    """As before. A passkey alone does not ask for a second step."""
    with_passkey(root)

    assert enter().headers["Location"] == INDEX
    assert is_in(admin_browser)


def test_who_must_have_a_factor_and_has_none_never_enters(admin_browser, enter, root, settings):
    """The page leads to the front end, from the settings and not from the request (S91)."""
    policy(settings, MfaRequired.STAFF)
    settings.LATCHKEY = replace(latchkey(), front_end_url="https://www.example.com/app/")

    response = enter()

    assert response.status_code == 403
    assert b'href="https://www.example.com/app/sign-in"' in response.content
    assert not is_in(admin_browser)
    assert admin_browser.get(FACTOR).status_code == 302
    assert happened() == [("account:login:failure", "MFA_ENROLLMENT_REQUIRED")]


def test_where_staff_must_have_a_factor_a_passkey_is_one(admin_browser, enter, root, settings):
    """As at the API."""
    key = Authenticator()
    passkey_of(root, key)
    policy(settings, MfaRequired.STAFF)

    enter()
    page = admin_browser.get(FACTOR)
    assert b'name="code"' not in page.content
    admin_browser.post(FACTOR, assertion(page, key))

    assert is_in(admin_browser)


def test_a_session_that_lives_goes_on_under_a_new_policy(admin_browser, enter, root, settings):
    """And under a factor that is set up meanwhile; the next sign-in asks."""
    enter()
    policy(settings, MfaRequired.STAFF)
    assert is_in(admin_browser)

    with_app(root)
    assert is_in(admin_browser)
    admin_browser.post("/admin/logout/")
    assert enter().headers["Location"] == FACTOR


def test_a_reset_that_is_due_lets_the_password_enter(admin_browser, enter, app, root):
    """S79: it is carried out then, and the event names the one who asked for it."""
    resetting.request(root, actor=None, reason="lost")
    FactorReset.objects.update(effective_at=timezone.now() - timedelta(hours=1))

    assert enter().headers["Location"] == INDEX

    assert is_in(admin_browser)
    assert not Totp.objects.exists()
    assert ("mfa:reset", "lost") in happened()


# One's own password


def own_password(browser):
    """Open the page, and send the form."""
    page = reverse("admin:password_change")
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    return browser.get(page), browser.post(page, form)


def test_ones_own_password_needs_a_recent_factor(admin_browser, enter, app, root):
    """S88: after ten minutes the page asks for it, with the same limits, and then opens."""
    with time_machine.travel(timezone.now(), tick=True) as clock:
        enter()
        admin_browser.post(FACTOR, {"code": code_of(app)})
        clock.shift(timedelta(minutes=11))

        for response in own_password(admin_browser):
            assert response.headers["Location"] == FACTOR
        assert Account.objects.get(pk=root.pk).check_password(PASSWORD)
        assert is_in(admin_browser)
        assert admin_browser.post(FACTOR, {"code": "000000"}).status_code == 200
        assert [response.status_code for response in own_password(admin_browser)] == [302, 302]

        response = admin_browser.post(FACTOR, {"code": code_of(app)})
        assert response.headers["Location"] == reverse("admin:password_change")
        assert [response.status_code for response in own_password(admin_browser)] == [200, 302]

    assert Account.objects.get(pk=root.pk).check_password(NEW)
    assert is_in(admin_browser)
    failure = SecurityEvent.objects.get(type="mfa:answer:failure")
    assert (failure.subject, failure.actor) == (root.pk, root.pk)


def test_a_factor_that_was_just_shown_is_recent_enough(admin_browser, enter, app, root):
    """The sign-in has asked for it."""
    enter()
    admin_browser.post(FACTOR, {"code": code_of(app)})

    own_password(admin_browser)

    assert Account.objects.get(pk=root.pk).check_password(NEW)


def test_a_session_from_before_the_factor_must_show_it_for_the_password(admin_browser, enter, root):
    """S88: the account is protected by it now."""
    enter()
    app = with_app(root)

    own_password(admin_browser)
    assert Account.objects.get(pk=root.pk).check_password(PASSWORD)
    admin_browser.post(FACTOR, {"code": code_of(app)})
    own_password(admin_browser)

    assert Account.objects.get(pk=root.pk).check_password(NEW)


def test_to_confirm_is_not_to_sign_in(admin_browser, enter, app, root):
    """A session that waits for a confirmation keeps its account, and one that was signed out opens nothing by it."""
    with time_machine.travel(timezone.now(), tick=True) as clock:
        enter()
        admin_browser.post(FACTOR, {"code": code_of(app)})
        clock.shift(timedelta(minutes=11))
        own_password(admin_browser)
        session = admin_browser.session
        pending = session[admin_sign_in.PENDING]
        other = AdminBrowser()
        stranger = other.session
        stranger[admin_sign_in.PENDING] = pending
        stranger.save()
        other.cookies["sessionid"] = stranger.session_key

        other.post(FACTOR, {"code": code_of(app)})

        assert not is_in(other)


def test_a_thief_of_the_password_is_limited_at_every_address(enter, app, settings, admin_browser, root):
    """S57: the password makes no address a known one, which would pass the limit of the account."""
    settings.LATCHKEY = replace(latchkey(), rate_limits=rate_limits("factor.account=3/1h"))
    refused = 0
    for number in range(5):
        browser = AdminBrowser(REMOTE_ADDR=f"8.8.4.{number}")
        browser.post(LOGIN, {"username": root.email, "password": PASSWORD})
        refused += b"Too many attempts" in browser.post(FACTOR, {"code": "000000"}).content

    assert refused == 2

"""Second factors in the administration: staff see what is set up, and may reset it for a reason (S79)."""

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.urls import reverse

from accounts.factors import sealing
from accounts.factors.models import FactorReset, Totp
from accounts.guard.models import SecurityEvent
from accounts.mfa import resetting
from accounts.people.models import Account
from tests.api import PASSWORD
from tests.factories import make_account
from tests.mails import queued
from tests.mfa.enrolled import with_app, with_codes, with_passkey

REASON = "Showed a passport, ticket 17"
ADD, LIST = "admin:accounts_factorreset_add", "admin:accounts_factorreset_changelist"
RIGHTS = ("change_account", "view_account", "add_factorreset", "delete_factorreset")


@pytest.fixture
def enter(admin_browser, db):
    """Sign a new account in to the administration: with all rights, or as staff with these."""

    def sign_in(*rights: str, **fields) -> Account:
        account = make_account(is_staff=True, is_superuser=not rights, **fields)
        account.user_permissions.set(Permission.objects.filter(codename__in=rights))
        form = {"username": account.email, "password": PASSWORD}
        assert admin_browser.post("/admin/login/?next=/admin/", form).status_code == 302
        return account

    return sign_in


@pytest.fixture
def ada(db) -> Account:
    """Somebody with factors."""
    account = make_account(email="ada@example.com", email_verified=True)
    with_app(account)
    with_passkey(account)
    with_codes(account)
    return account


def page_of(browser, account: Account) -> str:
    """The page of the account."""
    return browser.get(reverse("admin:accounts_account_change", args=[account.pk])).content.decode()


def ask(browser, account: Account, changes: dict[str, str] | None = None):
    """Send the form."""
    return browser.post(reverse(ADD), {"account": str(account.pk), "reason": REASON, **(changes or {})})


def errors_of(response) -> dict[str, list[str]]:
    """Those of the form."""
    assert response.status_code == 200
    return dict(response.context["adminform"].form.errors)


def test_the_page_of_an_account_shows_what_is_set_up_and_no_secrets(admin_browser, enter, ada):
    """In words, with a link to reset it."""
    enter()

    shown = page_of(admin_browser, ada)

    assert "authenticator app, 1 passkey, 10 recovery codes" in shown
    assert f"{reverse(ADD)}?account={ada.pk}" in shown
    totp = Totp.objects.get()
    assert not [secret for secret in (totp.secret, sealing.unseal(totp.secret), ada.pk.hex) if secret in shown]


def test_a_reset_is_asked_for_with_a_reason(admin_browser, enter, ada):
    """S79: the event has actor, subject and reason; the page then shows when, and a link to withdraw it."""
    root = enter()
    form = admin_browser.get(f"{reverse(ADD)}?account={ada.pk}").content.decode()
    assert str(ada.pk) in form

    response = ask(admin_browser, ada)

    assert response.headers["Location"] == reverse("admin:accounts_account_change", args=[ada.pk])
    event = SecurityEvent.objects.get(type="mfa:reset:request")
    assert (event.actor, event.subject, event.cause) == (root.pk, ada.pk, REASON)
    assert FactorReset.objects.get().actor == root.pk
    assert queued(ada.email) == ["factor_reset_requested"]
    assert LogEntry.objects.filter(user=root, object_id=str(ada.pk)).exists()
    shown = page_of(admin_browser, ada)
    assert "will be reset on" in shown
    assert reverse("admin:accounts_factorreset_delete", args=[ada.pk]) in shown
    listed = admin_browser.get(reverse(LIST)).content.decode()
    assert REASON in listed and root.email in listed


@pytest.mark.parametrize("by", ["page", "action"])
def test_a_pending_reset_can_be_withdrawn(admin_browser, enter, ada, by):
    """On its page or in the list; the factors stay."""
    root = enter()
    ask(admin_browser, ada)

    if by == "page":
        done = admin_browser.post(reverse("admin:accounts_factorreset_delete", args=[ada.pk]), {"post": "yes"})
    else:
        form = {"action": "delete_selected", "_selected_action": [str(ada.pk)], "post": "yes"}
        done = admin_browser.post(reverse(LIST), form)

    assert done.status_code == 302
    assert not FactorReset.objects.exists()
    event = SecurityEvent.objects.get(type="mfa:reset:withdraw")
    assert (event.actor, event.cause) == (root.pk, "withdrawn by staff")
    assert Totp.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"reason": ""}, "reason"),
        ({"reason": "x" * 101}, "reason"),
        ({"reason": "a\u202eb"}, "reason"),
        ({"account": ""}, "account"),
        ({"account": "nobody"}, "account"),
    ],
)
def test_a_form_without_a_reason_or_an_account_is_refused(admin_browser, enter, ada, changes, field):
    """And nothing happens."""
    enter()

    assert list(errors_of(ask(admin_browser, ada, changes))) == [field]

    assert not FactorReset.objects.exists()
    assert queued(ada.email) == []


def test_an_account_without_factors_is_refused(admin_browser, enter, account):
    """There is nothing to reset, and its page has no link."""
    enter()

    assert f"{reverse(ADD)}?" not in page_of(admin_browser, account)
    assert errors_of(ask(admin_browser, account)) == {"account": ["No second factor is set up."]}
    assert not FactorReset.objects.exists()


def test_a_second_reset_is_refused(admin_browser, enter, ada):
    """The first one goes on."""
    enter()
    ask(admin_browser, ada)

    assert "account" in errors_of(ask(admin_browser, ada))

    assert queued(ada.email) == ["factor_reset_requested"]


def test_nobody_resets_their_own(admin_browser, enter):
    """A stolen session of the administration could."""
    root = enter()
    with_app(root)

    assert "account" in errors_of(ask(admin_browser, root))

    assert f"{reverse(ADD)}?" not in page_of(admin_browser, root)
    assert not FactorReset.objects.exists()


@pytest.mark.parametrize("right", ["is_staff", "is_superuser"])
def test_staff_do_not_reset_other_staff(admin_browser, enter, ada, right):
    """Only superusers do; the others neither ask for it nor withdraw it."""
    Account.objects.filter(pk=ada.pk).update(**{right: True})
    enter(*RIGHTS)

    assert "account" in errors_of(ask(admin_browser, ada))
    assert not FactorReset.objects.exists()

    Account.objects.filter(pk=ada.pk).update(is_staff=True)
    resetting.request(ada, actor=None, reason=REASON)
    refused = admin_browser.post(reverse("admin:accounts_factorreset_delete", args=[ada.pk]), {"post": "yes"})
    by_action = {"action": "delete_selected", "_selected_action": [str(ada.pk)], "post": "yes"}
    admin_browser.post(reverse(LIST), by_action)
    assert refused.status_code == 403
    assert FactorReset.objects.exists()


def test_staff_with_the_right_reset_and_withdraw(admin_browser, enter, ada):
    """For accounts that are not staff's."""
    enter(*RIGHTS)

    assert ask(admin_browser, ada).status_code == 302
    assert FactorReset.objects.exists()
    admin_browser.post(reverse("admin:accounts_factorreset_delete", args=[ada.pk]), {"post": "yes"})

    assert not FactorReset.objects.exists()


def test_staff_without_the_right_do_not(admin_browser, enter, ada):
    """It is a right of its own, beside that of changing accounts; the page shows what is set up without a link."""
    enter("change_account", "view_account")

    assert ask(admin_browser, ada).status_code == 403
    assert admin_browser.get(reverse(LIST)).status_code == 403

    shown = page_of(admin_browser, ada)
    assert "authenticator app" in shown
    assert reverse(ADD) not in shown
    assert not FactorReset.objects.exists()


def test_a_reset_that_waits_cannot_be_changed(admin_browser, enter, ada):
    """The holder was mailed when it takes effect."""
    enter()
    ask(admin_browser, ada)
    before = FactorReset.objects.values().get()
    page = reverse("admin:accounts_factorreset_change", args=[ada.pk])

    assert admin_browser.get(page).status_code == 200
    assert admin_browser.post(page, {"account": str(ada.pk), "reason": "other"}).status_code == 403

    assert FactorReset.objects.values().get() == before


def test_an_account_with_a_pending_reset_can_be_deleted(admin_browser, enter, ada):
    """By staff who may delete accounts and know nothing of factors."""
    resetting.request(ada, actor=None, reason=REASON)
    enter("view_account", "delete_account")

    page = reverse("admin:accounts_account_delete", args=[ada.pk])
    assert admin_browser.post(page, {"post": "yes"}).status_code == 302

    assert not Account.objects.filter(pk=ada.pk).exists()


@pytest.mark.django_db
def test_who_has_factors_keeps_a_verified_address(rf):
    """S79, S87: else whoever may change accounts ends factors at once, by handing the account to another mailbox."""
    request = rf.get("/")
    request.user = make_account(is_staff=True, is_superuser=True)
    account = make_account(email_verified=True)
    page = admin.site.get_model_admin(Account)
    assert "email_verified" not in page.get_readonly_fields(request, account)

    with_app(account)

    assert "email_verified" in page.get_readonly_fields(request, account)

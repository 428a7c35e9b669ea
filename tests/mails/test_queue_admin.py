"""Staff see what waits and what was given up, and can try again; they see no code and no link."""

from datetime import timedelta

import pytest
from django.contrib import admin as site
from django.contrib.auth.models import Permission
from django.utils import timezone

from accounts.mails import codes
from accounts.mails.models import Mail, MailedCode
from accounts.mails.templates import Template
from tests.factories import make_account
from tests.people.test_admin import admin, page  # noqa: F401 - a fixture


def test_the_list_tells_dead_letters_from_mails_that_wait(admin, queued):  # noqa: F811
    """With the error in our words."""
    dead = queued(dead_at=timezone.now(), error="SMTPDataError 554")
    waiting = queued()

    for state, expected in (("dead", {dead.pk}), ("waiting", {waiting.pk}), ("", {dead.pk, waiting.pk})):
        response = admin.get(page("mail"), {"state": state} if state else {})
        assert {mail.pk for mail in response.context["cl"].result_list} == expected
    assert "SMTPDataError 554" in admin.get(page("mail")).content.decode()


def test_no_page_holds_a_code_or_a_link(admin, queued):  # noqa: F811
    """S86: there is none to show. Codes have no pages at all."""
    mail = queued(Template.RESET_PASSWORD)

    for address in (page("mail"), page("mail", "change", mail.pk)):
        body = admin.get(address).content.decode()
        assert mail.email in body
        assert codes.typed_code(mail.code) not in body
        assert codes.link_token(mail.code) not in body
    assert not site.site.is_registered(MailedCode)


def test_dead_letters_can_be_tried_again(admin, queued):  # noqa: F811
    """But not those whose code has expired: nobody could use it."""
    fresh, old = (queued(dead_at=timezone.now(), attempts=15, error="TimeoutError") for _ in range(2))
    MailedCode.objects.filter(pk=old.code_id).update(expires_at=timezone.now() - timedelta(minutes=1))

    chosen = {"action": "try_again", "_selected_action": [str(fresh.pk), str(old.pk)]}
    answer = admin.post(page("mail"), chosen, follow=True).content.decode()

    assert "1 mail is due now." in answer
    assert "1 mail has an expired code." in answer
    assert Mail.objects.filter(dead_at=None, attempts=0).get().pk == fresh.pk


def test_nothing_can_be_changed_and_viewers_cannot_try_again(admin_browser, queued):
    """Who may only look gets no action."""
    mail = queued(dead_at=timezone.now())
    viewer = make_account(is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename="view_mail"))
    admin_browser.force_login(viewer)
    before = Mail.objects.values().get()

    admin_browser.post(page("mail"), {"action": "try_again", "_selected_action": [str(mail.pk)]})
    assert admin_browser.post(page("mail", "change", mail.pk), {"email": "x@example.com"}).status_code == 403
    assert admin_browser.post(page("mail", "delete", mail.pk), {"post": "yes"}).status_code == 403

    assert Mail.objects.values().get() == before


@pytest.mark.parametrize("who", ["nobody", "holder"])
def test_others_do_not_get_in(admin_browser, queued, who):
    """An account that is not staff is shown the sign-in page."""
    mail = queued()
    if who == "holder":
        admin_browser.force_login(mail.account)

    assert admin_browser.get(page("mail")).status_code == 302

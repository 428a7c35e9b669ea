"""The administration in the languages of its readers."""

import pytest
from django.contrib import admin
from django.urls import reverse

from accounts.people.models import Account
from accounts.shared.admin import ReadOnly
from accounts.tokens.models import Session
from tests.languages import catalogues

PASSWORD = "an administrators passphrase"


@pytest.fixture
def staff(admin_browser, db):
    """A browser in which an administrator has signed in."""
    Account.objects.create_superuser("root@example.com", PASSWORD, username="root", first_name="Root")
    form = {"username": "root@example.com", "password": PASSWORD}
    assert admin_browser.post("/admin/login/?next=/admin/", form).status_code == 302
    return admin_browser


@pytest.mark.parametrize("language", catalogues.languages())
def test_every_list_and_form_is_served_in_each_language(staff, signed_in, language):
    """Each says its language, and that the browser chose it."""
    pages = ["/admin/", reverse("admin:accounts_account_change", args=[signed_in.account.pk])]
    for model, model_admin in admin.site._registry.items():
        pages.append(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))
        if not isinstance(model_admin, ReadOnly):
            pages.append(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add"))

    for page in pages:
        response = staff.get(page, headers={"Accept-Language": language})
        assert response.status_code == 200
        assert f'<html lang="{language}"' in response.content.decode()
        assert response["Content-Language"] == language
        assert "Accept-Language" in response["Vary"]


def test_words_of_ours_and_of_django_are_german(staff, signed_in):
    """On one page."""
    page = staff.get(
        reverse("admin:accounts_account_change", args=[signed_in.account.pk]), headers={"Accept-Language": "de"}
    ).content.decode()

    for words in ("E-Mail-Adresse bestätigt", "Sicherheitsereignisse", "Latchkey-Verwaltung", "Sichern und weiter"):
        assert words in page


def test_an_account_is_deleted_in_german(staff, signed_in):
    """The permissions that a deletion needs are compared by the names of models, which are translated."""
    page = reverse("admin:accounts_account_delete", args=[signed_in.account.pk])

    asked = staff.get(page, headers={"Accept-Language": "de"})
    done = staff.post(page, {"post": "yes"}, headers={"Accept-Language": "de"})

    assert "Sind Sie sicher" in asked.content.decode()
    assert done.status_code == 302
    assert not Account.objects.filter(pk=signed_in.account.pk).exists()
    assert not Session.objects.exists()


def test_a_refused_sign_in_is_told_in_german(client, db):
    """The form in front of the administration, too."""
    page = client.get("/admin/login/", headers={"Accept-Language": "de"})
    form = {"username": "nobody@example.com", "password": "x", "csrfmiddlewaretoken": client.cookies["csrftoken"].value}

    refused = client.post("/admin/login/", form, headers={"Accept-Language": "de"})

    assert "Anmelden" in page.content.decode()
    assert "E-Mail-Adresse und Passwort" in refused.content.decode()

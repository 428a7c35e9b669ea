"""The pages of the administration that ask for a password or set one."""

from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm, AdminPasswordChangeForm
from django.contrib.auth.forms import AdminPasswordChangeForm as AdminPasswordSetForm
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables

from accounts.guard import events, hashing, limits, origin
from accounts.guard.errors import RateLimited
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.mails import notices
from accounts.mails.templates import Template
from accounts.mfa import admin_sign_in
from accounts.passwords.errors import InvalidCredentials
from accounts.people.models import Account
from accounts.shared.texts import is_overlong

NOT_STAFF = "not staff"
"""The cause of a refusal."""


class SignInForm(AdminAuthenticationForm):
    """Django's form, which records that somebody knew the password of an account that may not enter.

    Otherwise the page would confirm stolen passwords and leave no trace. Other failures are recorded by the backend.
    """

    def confirm_login_allowed(self, user: Account) -> None:
        """As Django: refuse accounts that are not staff."""
        try:
            super().confirm_login_allowed(user)
        except ValidationError:
            events.record_failure(EventType.SIGN_IN_FAILED, subject=user.pk, cause=NOT_STAFF)
            raise


class SignInView(LoginView):
    """Django's view, but for what follows the right password: the second factor (S77)."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Sign in, or ask for the factor first."""
        return admin_sign_in.enter(self.request, form.get_user(), page=self.get_success_url())


@never_cache
def sign_in(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
    """The page for signing in, as Django's but for the view, which no option of Django replaces."""
    site = admin.site
    index = reverse("admin:index", current_app=site.name)
    if request.method == "GET" and site.has_permission(request):
        return HttpResponseRedirect(index)
    context = {
        **site.each_context(request),
        "title": gettext("Log in"),
        "subtitle": None,
        "app_path": request.get_full_path(),
        "username": request.user.get_username(),
        **({} if "next" in request.GET or "next" in request.POST else {"next": index}),
        **(extra_context or {}),
    }
    request.current_app = site.name
    view = SignInView.as_view(
        extra_context=context,
        authentication_form=SignInForm,
        template_name=site.login_template or "admin/login.html",
    )
    return cast("HttpResponse", view(request))


class TellsHolder:
    """A form of Django that mails the holder of the account a notice, in the transaction that changes the password."""

    def set_password_and_save(self, user: Account, *fields: str, commit: bool = True) -> Account:
        """As Django, which calls this on all its pages for passwords."""
        with transaction.atomic():
            changed: Account = super().set_password_and_save(user, *fields, commit=commit)  # type: ignore[misc]
            if commit:
                notices.tell(changed, Template.PASSWORD_CHANGED)
        return changed


class PasswordSetForm(TellsHolder, AdminPasswordSetForm):  # type: ignore[type-arg]  # generic in the stubs only
    """Django's form for somebody else's password."""


class PasswordChangeForm(TellsHolder, AdminPasswordChangeForm):  # type: ignore[misc]  # the stubs lack the method
    """Django's form for one's own, which limits and records attempts at the present password, as `changePassword` does.

    Otherwise the thief of a session could guess the password there, and nobody would notice (S52).
    """

    @sensitive_variables("old_password")
    def clean_old_password(self) -> str:
        """As Django. Over the limit, or if too many others hash, the form says so."""
        old_password: str = self.cleaned_data["old_password"]
        try:
            _prove(self.user, old_password)
        except InvalidCredentials:
            message, code = self.error_messages["password_incorrect"], "password_incorrect"
            raise ValidationError(message, code) from None
        except RateLimited as error:
            raise ValidationError(str(error.message), error.code) from None
        return old_password


def _prove(account: Account, password: str) -> None:
    """Check the present password. Raises InvalidCredentials; RateLimited."""
    key, caller = account.pk, origin.current().caller
    with (
        events.failures(EventType.PASSWORD_CHANGE_FAILED, subject=lambda: key),
        limits.attempt(Action.CHANGE_PASSWORD, account=account.email, caller=caller),
        hashing.slot(),
    ):
        if is_overlong(password) or not account.check_password(password):
            raise InvalidCredentials


def password_change(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
    """The page for one's own password, as Django's but for the form, which no option of Django replaces.

    Who has a second factor shows it first, unless they did so lately (S88).
    """
    site = admin.site
    if asking := admin_sign_in.step_up(request, page=reverse("admin:password_change", current_app=site.name)):
        return asking
    request.current_app = site.name
    view = PasswordChangeView.as_view(
        form_class=PasswordChangeForm,
        success_url=reverse("admin:password_change_done", current_app=site.name),
        extra_context={**site.each_context(request), **(extra_context or {})},
        **({"template_name": site.password_change_template} if site.password_change_template else {}),
    )
    return cast("HttpResponse", view(request))

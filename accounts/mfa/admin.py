"""The administration of second factors: staff see what is set up, and reset it (S79)."""

import uuid
from datetime import UTC, datetime
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.factors.errors import MfaNotEnabled
from accounts.factors.models import FactorReset
from accounts.factors.state import factors_of
from accounts.mfa import resetting
from accounts.mfa.resetting import LONGEST_REASON
from accounts.people.admin import AccountAdmin, may_touch
from accounts.people.models import Account
from accounts.shared.admin import ReadOnly

WITHDRAWN = "withdrawn by staff"
"""The cause of a withdrawal."""


def may_reset(request: HttpRequest, account: Account | None) -> bool:
    """Whether the user may reset this account's factors: not those of other staff, and nobody their own.

    Otherwise the thief of a session could switch off what the account is protected by.
    """
    if account is not None and (account == request.user or (account.is_superuser and not request.user.is_superuser)):
        return False
    return may_touch(request, account)


class FactorResetForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """Whose factors are reset, and why."""

    request: ClassVar[HttpRequest]
    """Set in a subclass for each request."""
    reason = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST_REASON,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=_(
            "How the holder has shown who they are, such as the number of a ticket. No secrets: it is recorded, and the"
            " holder can read it."
        ),
    )

    class Meta:
        model = FactorReset
        fields = ("account", "reason")

    def clean_account(self) -> Account:
        """Refuse the accounts of other staff, one's own, and those without factors."""
        account: Account = self.cleaned_data["account"]
        if not may_reset(self.request, account):
            raise ValidationError(_("You may not reset the second factors of this account."), "forbidden")
        if not resetting.can_be_reset(account):
            raise ValidationError(MfaNotEnabled.default_message, "not_enabled")
        return account

    def clean_reason(self) -> str:
        """One line of plain text."""
        reason: str = self.cleaned_data["reason"]
        if not reason.isprintable():
            raise ValidationError(_("Write it on one line, without invisible characters."), "invalid")
        return reason


@admin.register(FactorReset)
class FactorResetAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """Resets that wait. Adding one asks for it, and deleting it withdraws it; none can be changed."""

    form = FactorResetForm
    list_display = ("account", "reason", "asked_by", "requested_at", "effective_at")
    list_select_related = ("account",)
    search_fields = ("account__email", "account__username")
    raw_id_fields = ("account",)
    ordering = ("effective_at",)

    def get_form(self, request: HttpRequest, obj: Any | None = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        """The form, which knows who asks."""
        form = super().get_form(request, obj, change, **kwargs)
        return type(form.__name__, (form,), {"request": request})

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """All, once there is one."""
        return self.list_display if obj else self.form.Meta.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """All, once there is one."""
        return self.list_display if obj else ()

    @admin.display(description=_("asked for by"))
    def asked_by(self, reset: FactorReset) -> str:
        """The member of staff; nobody where a program did."""
        found = Account.objects.filter(pk=reset.actor).first() if reset.actor else None
        return str(found or reset.actor or _("a program"))

    def has_add_permission(self, request: HttpRequest, *_args: Any) -> bool:
        """Those with the right. For whom, the form checks."""
        return request.user.has_perm("accounts.add_factorreset")

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Also for those who may add or delete one."""
        rights = (f"accounts.{right}_factorreset" for right in ("view", "add", "delete"))
        return any(map(request.user.has_perm, rights))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Those with the right, for accounts that they may touch."""
        account = obj.account if isinstance(obj, FactorReset) else None
        return request.user.has_perm("accounts.delete_factorreset") and may_touch(request, account)

    def save_model(self, request: HttpRequest, obj: FactorReset, form: Any, change: bool) -> None:  # noqa: FBT001
        """Ask for it."""
        resetting.request(obj.account, actor=cast("uuid.UUID", request.user.pk), reason=obj.reason)

    def response_add(
        self, request: HttpRequest, obj: FactorReset, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Say when it takes effect, on the page of the account."""
        waiting = resetting.pending(obj.account)
        if waiting:
            text = gettext("The second factors will be reset on %s.")
            text %= _moment(waiting.effective_at)
        else:
            text = gettext("The second factors were reset, and all sessions ended.")
        self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:accounts_account_change", args=[obj.account.pk]))

    def delete_model(self, request: HttpRequest, obj: FactorReset) -> None:
        """Withdraw it."""
        resetting.withdraw(obj.account, cause=WITHDRAWN)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[FactorReset]) -> None:
        """Withdraw those that the user may."""
        for reset in queryset.select_related("account"):
            if may_touch(request, reset.account):
                resetting.withdraw(reset.account, cause=WITHDRAWN)


class FactorsOfAccountAdmin(AccountAdmin):
    """The pages of accounts, which show what second factors are set up, and no secrets."""

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """As Django; with the factors, and what the user may do about them."""
        fieldsets = super().get_fieldsets(request, obj)
        if not isinstance(obj, Account):
            return fieldsets
        if resetting.pending(obj):
            may = request.user.has_perm("accounts.delete_factorreset") and may_touch(request, obj)
        else:
            may = request.user.has_perm("accounts.add_factorreset") and may_reset(request, obj)
            may = may and resetting.can_be_reset(obj)
        fields = ("second_factors", "reset_link") if may else ("second_factors",)
        return (*fieldsets, (_("Second factors"), {"fields": fields}))

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """As Django; and the factors.

        With factors, nobody calls the address unverified: whoever proves it next would be rid of them (S87), without a
        reset that waits and tells the holder (S79).
        """
        kept = ("email_verified",) if isinstance(obj, Account) and resetting.can_be_reset(obj) else ()
        return (*super().get_readonly_fields(request, obj), *kept, "second_factors", "reset_link")

    @admin.display(description=_("set up"))
    def second_factors(self, account: Account) -> str:
        """What is set up, and when it will be reset."""
        factors = factors_of(account)
        parts = [gettext("authenticator app")] if factors.totp else []
        for number, text in (
            (factors.passkeys, ngettext("%d passkey", "%d passkeys", factors.passkeys)),
            (factors.recovery_codes, ngettext("%d recovery code", "%d recovery codes", factors.recovery_codes)),
        ):
            parts += [text % number] if number else []
        waiting = resetting.pending(account)
        if waiting and not factors.reset_is_due:
            parts.append(gettext("will be reset on %s") % _moment(waiting.effective_at))
        return ", ".join(parts) or gettext("nothing")

    @admin.display(description=_("reset"))
    def reset_link(self, account: Account) -> str:
        """A link to reset them, or to withdraw that."""
        if resetting.pending(account):
            page = reverse("admin:accounts_factorreset_delete", args=[account.pk])
            return format_html('<a href="{}">{}</a>', page, _("Withdraw the reset"))
        page = reverse("admin:accounts_factorreset_add")
        return format_html('<a href="{}?account={}">{}</a>', page, account.pk, _("Reset second factors"))


def _moment(when: datetime) -> str:
    """An instant in the language of the reader."""
    return f"{date_format(localtime(when, UTC), 'DATETIME_FORMAT')} (UTC)"

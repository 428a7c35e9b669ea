"""The administration of accounts."""

from typing import Any, ClassVar, cast

from django.contrib import admin
from django.contrib.admin.options import InlineModelAdmin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.people.models import Account
from accounts.shared.admin import TakesAlong


def may_touch(request: HttpRequest, account: Account | None) -> bool:
    """Whether the user may change this account, its password and sessions: staff must not take over other staff."""
    return request.user.is_superuser or account is None or account == request.user or not account.is_staff


@admin.register(Account)
class AccountAdmin(TakesAlong, UserAdmin):  # type: ignore[type-arg]
    """The pages of accounts."""

    ordering = ("-date_joined",)
    list_display = ("email", "username", "first_name", "last_name", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "email_verified", "is_staff", "is_superuser", "date_joined")
    search_fields = ("email", "username", "first_name", "last_name")
    readonly_fields = ("date_joined", "last_login", "deletion_due_at", "security_events")
    fieldsets = (
        (None, {"fields": ("email", "email_verified", "username", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name")}),
        (
            _("Permissions"),
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        (_("Dates"), {"fields": ("date_joined", "last_login", "deletion_due_at", "security_events")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("email", "username", "first_name", "last_name", "password1", "password2"),
            },
        ),
    )
    inlines: ClassVar[tuple[type[InlineModelAdmin], ...]] = ()  # type: ignore[type-arg]
    """Set in accounts.admin: the inlines belong to other rooms."""

    privileges = ("is_staff", "is_superuser", "groups", "user_permissions")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Only superusers may grant privileges: other staff could promote themselves."""
        return self.readonly_fields if request.user.is_superuser else (*self.readonly_fields, *self.privileges)

    @admin.display(description=_("security events"))
    def security_events(self, account: Account) -> str:
        """A link to what happened to the account."""
        page = reverse("admin:accounts_securityevent_changelist")
        return format_html('<a href="{}?subject={}">{}</a>', page, account.pk, _("Show"))

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """As Django for the accounts of others. One's own password needs the current one: the session may be stolen."""
        if self.get_object(request, unquote(id)) == request.user:
            return HttpResponseRedirect(reverse("admin:password_change"))
        return super().user_change_password(request, id, form_url)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Only superusers may change the accounts of other staff, passwords included."""
        return super().has_change_permission(request, obj) and may_touch(request, cast("Account | None", obj))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Only superusers may delete the accounts of other staff."""
        return super().has_delete_permission(request, obj) and may_touch(request, cast("Account | None", obj))

    def get_inlines(self, request: HttpRequest, obj: Model | None) -> Any:
        """The inlines, except on the page that adds an account."""
        return self.inlines if obj else ()

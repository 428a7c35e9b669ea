"""The administration: accounts and clients are managed, tokens are only looked at, sessions are looked at and ended."""

from typing import Any, ClassVar, cast

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm
from django.db.models import Model, QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from accounts import bearer_tokens
from accounts.models import Account, Client, Session
from accounts.social import UserSocialAuth


class ReadOnly(admin.options.BaseModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Shows, and changes nothing."""

    def has_add_permission(self, request: HttpRequest, *_args: Any) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False


class TokenAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """DOT's tokens and grants, without what opens anything (S67).

    DOT's own admin lets staff edit the checksum and the user of a refresh token: that is minting a session for anyone.
    """

    secrets: ClassVar = {"token", "token_checksum", "code", "code_challenge", "nonce", "claims"}
    list_display = ("pk", "user", "application", "created")
    list_select_related = ("user", "application")
    list_filter = ("application",)
    search_fields = ("user__email", "user__username")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Everything but the secrets."""
        return [field.name for field in self.model._meta.concrete_fields if field.name not in self.secrets]  # noqa: SLF001


class TakesAlong(admin.ModelAdmin):  # type: ignore[type-arg]
    """Whose deletion takes tokens and sessions along, although nobody may delete those by themselves."""

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What the permissions of the read-only models say is not asked."""
        to_delete, counts, needed, protected = super().get_deleted_objects(objs, request)
        along = {
            str(model._meta.verbose_name)  # noqa: SLF001
            for model, model_admin in self.admin_site._registry.items()  # noqa: SLF001
            if isinstance(model_admin, ReadOnly)
        }
        return to_delete, counts, needed - along, protected


class EndingFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    """Deleting a session here ends it."""

    def delete_existing(self, obj: Session, commit: bool = True) -> None:  # noqa: FBT001, FBT002 - Django's signature
        """Its tokens stop working at once."""
        if commit:
            bearer_tokens.end_session(obj)


class SessionInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    """Where the account is signed in."""

    model = Session
    formset = EndingFormSet
    fields = readonly_fields = (
        "client",
        "created_at",
        "last_used_at",
        "expires_at",
        "ip_address",
        "user_agent",
    )
    extra = 0

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Ending is allowed to whoever may change the account."""
        return request.user.has_perm("accounts.change_account")


class SocialInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    """The account's identities at providers."""

    model = UserSocialAuth
    fields = readonly_fields = ("provider", "uid", "created", "modified")
    extra = 0


def _may_touch(request: HttpRequest, account: Account | None) -> bool:
    """Whether somebody's account, password and sessions are this person's business: else one could take them over."""
    return request.user.is_superuser or account is None or account == request.user or not account.is_staff


class PasswordForm(AdminPasswordChangeForm):  # type: ignore[type-arg]
    """A new password given by staff."""

    def save(self, commit: bool = True) -> Account:  # noqa: FBT001, FBT002 - Django's signature
        """And whoever is signed in with the old one is not any more (S10)."""
        account: Account = super().save(commit)
        bearer_tokens.end_sessions(account)
        return account


@admin.register(Account)
class AccountAdmin(TakesAlong, UserAdmin):  # type: ignore[type-arg]
    """People."""

    ordering = ("-date_joined",)
    list_display = ("email", "username", "first_name", "last_name", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "email_verified", "is_staff", "is_superuser", "date_joined")
    search_fields = ("email", "username", "first_name", "last_name")
    readonly_fields = ("date_joined", "last_login")
    fieldsets = (
        (None, {"fields": ("email", "email_verified", "username", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name")}),
        (
            _("Permissions"),
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        (_("Dates"), {"fields": ("date_joined", "last_login")}),
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
    inlines = (SessionInline, SocialInline)
    change_password_form = PasswordForm
    privileges = ("is_staff", "is_superuser", "groups", "user_permissions")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Privileges are given by superusers: whoever may change accounts could else make one of himself."""
        return self.readonly_fields if request.user.is_superuser else (*self.readonly_fields, *self.privileges)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Other staff's accounts, their passwords too, are changed by superusers only."""
        return super().has_change_permission(request, obj) and _may_touch(request, cast("Account | None", obj))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Likewise."""
        return super().has_delete_permission(request, obj) and _may_touch(request, cast("Account | None", obj))

    def get_inlines(self, request: HttpRequest, obj: Model | None) -> Any:
        """None on the page that adds an account."""
        return self.inlines if obj else ()


@admin.register(Session)
class SessionAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """Who is signed in where; deleting ends it."""

    list_display = ("account", "client", "created_at", "last_used_at", "expires_at", "ip_address")
    list_select_related = ("account", "client")
    list_filter = ("client", "last_used_at")
    search_fields = ("account__email", "account__username", "ip_address")
    exclude = ("token_family",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Ending is allowed to whoever may change the account."""
        account = obj.account if isinstance(obj, Session) else None
        return request.user.has_perm("accounts.change_account") and _may_touch(request, account)

    def delete_model(self, request: HttpRequest, obj: Session) -> None:
        """End it: its tokens stop working at once."""
        bearer_tokens.end_session(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        """End each that the person may end."""
        for session in queryset.select_related("account"):
            if _may_touch(request, session.account):
                bearer_tokens.end_session(session)


class ClientAdmin(TakesAlong):
    """OAuth clients. A secret is shown once, when it is made; only its hash is stored."""

    list_display = ("name", "client_id", "client_type", "first_party", "created")
    list_filter = ("client_type", "first_party")
    search_fields = ("name", "client_id")
    radio_fields: ClassVar = {"client_type": admin.HORIZONTAL}
    fields = (
        "name",
        "client_type",
        "first_party",
        "refresh_token_transport",
        "states_end_user",
        "redirect_uris",
        "allowed_origins",
    )
    actions = ("replace_secret",)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """The id is made by the service."""
        return ("client_id", *self.fields) if obj else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """A public client cannot become confidential: whoever has its old secret would authenticate as it."""
        return ("client_id", "client_type") if obj else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, str | list[str]]:
        """What most people want."""
        return {"client_type": Client.CLIENT_PUBLIC, "first_party": "on"}

    def save_model(self, request: HttpRequest, obj: Client, form: Any, change: bool) -> None:  # noqa: FBT001
        """Keep the secret for the page that follows; storing hashes it."""
        if not change:
            obj.authorization_grant_type = Client.GRANT_AUTHORIZATION_CODE
            self.shown_once(request, obj)
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: Client, post_url_continue: str | None = None) -> HttpResponse:
        """Show id and secret, once."""
        return self.secret_page(request, obj)

    @admin.action(permissions=["change"], description=_("Replace the secret of the selected confidential client"))
    def replace_secret(self, request: HttpRequest, queryset: QuerySet[Client]) -> HttpResponse | None:
        """A new secret; the old one stops working at once."""
        client = queryset.filter(client_type=Client.CLIENT_CONFIDENTIAL).first()
        if client is None or queryset.count() != 1:
            self.message_user(request, _("Select one confidential client."), level="error")
            return None
        client.client_secret = Client._meta.get_field("client_secret").get_default()  # noqa: SLF001
        self.shown_once(request, client)
        client.save()
        return self.secret_page(request, client)

    def shown_once(self, request: HttpRequest, client: Client) -> None:
        """Remember the secret as it is before it is hashed, for this request only."""
        if client.client_type == Client.CLIENT_CONFIDENTIAL:
            request.client_secret = client.client_secret  # type: ignore[attr-defined]

    def secret_page(self, request: HttpRequest, client: Client) -> HttpResponse:
        """Rendered at once and never stored: a redirect would carry the secret through a cookie."""
        context = {
            **self.admin_site.each_context(request),
            "title": str(client),
            "opts": self.opts,
            "client": client,
            "client_secret": getattr(request, "client_secret", ""),
        }
        return TemplateResponse(
            request, "admin/accounts/client/secret.html", context, headers={"Cache-Control": "no-store"}
        )


admin.site.unregister(UserSocialAuth)


@admin.register(UserSocialAuth)
class SocialAccountAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """Identities at providers. Staff cannot make one: that would be a key to the account."""

    list_display = ("user", "provider", "uid", "created")
    list_filter = ("provider",)
    search_fields = ("user__email", "user__username", "uid")
    fields = ("user", "provider", "uid", "created", "modified")

"""The administration of clients and sessions; tokens are read-only."""

from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from accounts.people.admin import may_touch
from accounts.people.models import Account
from accounts.shared.admin import ReadOnly, TakesAlong
from accounts.tokens import api as bearer_tokens
from accounts.tokens.models import RESOURCE_SERVER, Client, Session


class TokenAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """DOT's tokens and grants, read-only and without secrets (S67).

    DOT's own admin lets staff edit checksum and user of a refresh token, and so mint a session for anyone.
    """

    secrets: ClassVar = {"token", "token_checksum", "code", "code_challenge", "nonce", "claims"}
    list_display = ("pk", "user", "application", "created")
    list_select_related = ("user", "application")
    list_filter = ("application",)
    search_fields = ("user__email", "user__username")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Everything but the secrets."""
        return [field.name for field in self.model._meta.concrete_fields if field.name not in self.secrets]  # noqa: SLF001


class EndingFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    """Ends each session that is deleted here."""

    def delete_existing(self, obj: Session, commit: bool = True) -> None:  # noqa: FBT001, FBT002 - Django's signature
        """End it: its tokens stop working at once."""
        if commit:
            bearer_tokens.end_session(obj)


class SessionInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    """The sessions of an account."""

    model = Session
    formset = EndingFormSet
    fields = readonly_fields = (
        "client",
        "created_at",
        "authenticated_at",
        "authentication_methods",
        "factor_proved_at",
        "last_used_at",
        "expires_at",
        "ip_address",
        "user_agent",
    )
    extra = 0

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Staff may end a session if they may change its account."""
        return request.user.has_perm("accounts.change_account") and may_touch(request, cast("Account | None", obj))


@admin.register(Session)
class SessionAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """All sessions; deleting one ends it."""

    list_display = (
        "account",
        "client",
        "created_at",
        "authentication_methods",
        "last_used_at",
        "expires_at",
        "ip_address",
    )
    list_select_related = ("account", "client")
    list_filter = ("client", "last_used_at")
    search_fields = ("account__email", "account__username", "ip_address")
    exclude = ("token_family",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Staff may end a session if they may change its account."""
        account = obj.account if isinstance(obj, Session) else None
        return request.user.has_perm("accounts.change_account") and may_touch(request, account)

    def delete_model(self, request: HttpRequest, obj: Session) -> None:
        """End it: its tokens stop working at once."""
        bearer_tokens.end_session(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        """End the sessions that the user may end."""
        for session in queryset.select_related("account"):
            if may_touch(request, session.account):
                bearer_tokens.end_session(session)


class NewClientForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """A client that is added. Whether it is a resource server cannot change later: its tokens would live on."""

    resource_server = forms.BooleanField(
        label=_("resource server"),
        required=False,
        help_text=_("Your service that takes our access tokens: it may introspect those of all clients, and no more."),
    )

    def clean(self) -> dict[str, Any]:
        """Set the grant type, which the model then checks against the other fields."""
        cleaned = super().clean() or self.cleaned_data
        self.instance.authorization_grant_type = (
            RESOURCE_SERVER if cleaned.get("resource_server") else Client.GRANT_AUTHORIZATION_CODE
        )
        return cleaned


class ClientAdmin(TakesAlong):
    """OAuth clients. A secret is shown once, when it is made; only its hash is stored."""

    list_display = ("name", "client_id", "client_type", "first_party", "resource_server", "created")
    list_filter = ("client_type", "first_party")
    search_fields = ("name", "client_id")
    radio_fields: ClassVar = {"client_type": admin.HORIZONTAL}
    fields = (
        "name",
        "client_type",
        "first_party",
        "resource_server",
        "refresh_token_transport",
        "states_end_user",
        "redirect_uris",
    )
    actions = ("replace_secret",)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Omit the id at creation: the service generates it."""
        return ("client_id", *self.fields) if obj else self.fields

    def get_form(self, request: HttpRequest, obj: Any | None = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        """A form of its own for a client that is added."""
        return super().get_form(request, obj, change, **({} if obj else {"form": NewClientForm}), **kwargs)

    @admin.display(boolean=True, description=_("resource server"))
    def resource_server(self, client: Client) -> bool:
        """Whether it may only introspect."""
        return client.is_resource_server

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """A public client cannot become confidential: anybody with its old secret could authenticate as it."""
        return ("client_id", "client_type", "resource_server") if obj else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, str | list[str]]:
        """The usual choices."""
        return {"client_type": Client.CLIENT_PUBLIC, "first_party": "on"}

    def save_model(self, request: HttpRequest, obj: Client, form: Any, change: bool) -> None:  # noqa: FBT001
        """Keep the secret for the page that follows; storing hashes it."""
        if not change:
            self.shown_once(request, obj)
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: Client, post_url_continue: str | None = None) -> HttpResponse:
        """Show id and secret, once."""
        return self.secret_page(request, obj)

    @admin.action(permissions=["change"], description=_("Replace the secret of the selected confidential client"))
    def replace_secret(self, request: HttpRequest, queryset: QuerySet[Client]) -> HttpResponse | None:
        """Set a new secret; the old one stops working at once."""
        client = queryset.filter(client_type=Client.CLIENT_CONFIDENTIAL).first()
        if client is None or queryset.count() != 1:
            self.message_user(request, _("Select one confidential client."), level="error")
            return None
        client.client_secret = Client._meta.get_field("client_secret").get_default()  # noqa: SLF001
        self.shown_once(request, client)
        client.save()
        return self.secret_page(request, client)

    def shown_once(self, request: HttpRequest, client: Client) -> None:
        """Keep the plain secret for this request only, before it is hashed."""
        if client.client_type == Client.CLIENT_CONFIDENTIAL:
            request.client_secret = client.client_secret  # type: ignore[attr-defined]

    def secret_page(self, request: HttpRequest, client: Client) -> HttpResponse:
        """Render the page in this response: a redirect would carry the secret in a cookie."""
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

"""The OAuth clients that may act for accounts, and their sessions."""

import re
import uuid
from collections.abc import Collection
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from oauth2_provider.models import (
    AbstractApplication,
    get_access_token_model,
    get_grant_model,
    get_refresh_token_model,
)
from oauth2_provider.settings import oauth2_settings

from accounts.guard.origin import PROGRAM
from accounts.people.signals import sessions_ending
from accounts.shared import clock


def validate_front_end_url(value: str) -> None:
    """Refuse what is no base URL of an allowed scheme: mailed links are this, a path and a fragment."""
    schemes = oauth2_settings.ALLOWED_REDIRECT_URI_SCHEMES
    if not re.fullmatch(r"[a-z][a-z0-9+.-]*:/[^\s?#@\\]*", value) or value.partition(":")[0] not in schemes:
        raise ValidationError(_("Enter a base URL without a query, such as https://app.example.com."), code="invalid")


class ClientManager(models.Manager["Client"]):
    """Finds clients by their natural key."""

    def get_by_natural_key(self, client_id: str) -> "Client":
        """By `client_id`."""
        return self.get(client_id=client_id)


class RefreshTokenTransport(models.TextChoices):
    """How a refresh token travels."""

    BODY = "BODY", _("in the answer")
    COOKIE = "COOKIE", _("in a cookie")


RESOURCE_SERVER = "resource-server"
"""The grant type of a client that gets no tokens: it only introspects those of others (RFC 7662).

No grant of DOT's has this name, so that the token endpoint refuses each of them.
"""


class Client(AbstractApplication):
    """An OAuth client (RFC 6749 §2). Only a first-party one may be given the scope `account`, which opens the API."""

    first_party = models.BooleanField(
        _("first party"),
        default=False,
        help_text=_("Our own application: it may sign people in with a password and use the whole API."),
    )

    refresh_token_transport = models.CharField(
        _("refresh token transport"),
        max_length=6,
        choices=RefreshTokenTransport.choices,
        default=RefreshTokenTransport.BODY,
        help_text=_("How refresh tokens travel when a call does not say: COOKIE is for browsers."),
    )

    states_end_user = models.BooleanField(
        _("states the end user"),
        default=False,
        help_text=_(
            "A server-side front end, confidential, whose headers End-User-IP and End-User-Agent say for whom it asks."
        ),
    )

    front_end_url = models.CharField(
        _("front-end URL"),
        max_length=200,
        blank=True,
        default="",
        db_default="",
        validators=[validate_front_end_url],
        help_text=_(
            "Base URL of the pages that mailed links open, such as https://app.example.com or com.example.app:/. Empty:"
            " FRONT_END_URL."
        ),
    )

    allowed_origins = ""
    """Replaces DOT's column, which no preflight reads: CORS_ALLOWED_ORIGINS lists the allowed origins."""

    objects: ClassVar[ClientManager] = ClientManager()

    class Meta:
        verbose_name = _("client")
        verbose_name_plural = _("clients")

    @property
    def is_resource_server(self) -> bool:
        """Whether it may introspect the tokens of all clients, and nothing else."""
        return bool(self.authorization_grant_type == RESOURCE_SERVER)

    def may_introspect(self, issued_to: int | None) -> bool:
        """Whether this client may learn about a token of the client with this key.

        A third party learns about its own tokens only: others would tell it who uses which application.
        """
        return self.first_party or self.is_resource_server or self.pk == issued_to

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        """As Django; also takes the grant type of a resource server, which DOT's choices do not have."""
        own = {"authorization_grant_type"} if self.is_resource_server else set()
        super().clean_fields(exclude={*(exclude or ()), *own})

    def clean(self) -> None:
        """As DOT; but a client that signs people in by mutations alone needs no redirect URI."""
        errors: dict[str, list[ValidationError]] = {}
        try:
            super().clean()
        except ValidationError as error:
            errors = error.update_error_dict(errors)
            if not self.redirect_uris.strip():
                errors.pop("redirect_uris", None)
        if self.states_end_user and self.client_type != self.CLIENT_CONFIDENTIAL:
            errors["states_end_user"] = [ValidationError(_("Only a confidential client can show who it is."))]
        if self.is_resource_server:
            if self.client_type != self.CLIENT_CONFIDENTIAL:
                errors["client_type"] = [ValidationError(_("Only a confidential client can show who it is."))]
            for name in ("first_party", "states_end_user", "redirect_uris"):
                if getattr(self, name):
                    errors[name] = [ValidationError(_("A resource server signs nobody in."))]
        if self.client_id.startswith(PROGRAM):
            errors["client_id"] = [ValidationError("The prefix is reserved for the programs of operators.")]
        if errors:
            raise ValidationError(errors)

    def natural_key(self) -> tuple[str]:
        """The key that fixtures use."""
        return (self.client_id,)


class AuthenticationMethod(models.TextChoices):
    """With what a holder proved who they are."""

    PASSWORD = "password", _("password")
    SOCIAL = "social", _("provider")
    EMAIL_CODE = "email_code", _("mailed code")
    TOTP = "totp", _("code of an authenticator app")
    RECOVERY_CODE = "recovery_code", _("recovery code")
    PASSKEY = "passkey", _("passkey")


SECOND_FACTORS = frozenset(
    {AuthenticationMethod.TOTP, AuthenticationMethod.RECOVERY_CODE, AuthenticationMethod.PASSKEY}
)
"""What a sign-in with another method may have to be completed with. A passkey needs no other method beside it."""
FIRST_FACTORS = frozenset(AuthenticationMethod) - {AuthenticationMethod.TOTP, AuthenticationMethod.RECOVERY_CODE}
"""What says by itself who one is."""


class Session(models.Model):
    """One sign-in and its tokens: a family of refresh tokens, each the successor of another.

    It exists as long as the family can be refreshed: ending a session deletes its row. The row is also the lock
    under which a family rotates.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    token_family = models.UUIDField(unique=True, editable=False)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sessions", verbose_name=_("account")
    )
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="sessions", verbose_name=_("client"))
    created_at = models.DateTimeField(_("began"), default=timezone.now, editable=False)
    authenticated_at = models.DateTimeField(_("authenticated"), default=timezone.now, editable=False)
    """When its holder last proved who they are, with a first factor or a passkey."""
    factor_proved_at = models.DateTimeField(_("second factor shown"), null=True, editable=False)
    """When its holder last showed a second factor, or a passkey; None if never."""
    authentication_methods = models.JSONField(
        _("authenticated with"), default=list, db_default=models.Value([], models.JSONField()), editable=False
    )
    """Values of AuthenticationMethod, in order. Without a first factor among them the session is never fresh."""
    last_used_at = models.DateTimeField(_("last refreshed"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("ends at the latest"), db_index=True)
    ip_address = models.GenericIPAddressField(_("IP address"), null=True, blank=True)
    user_agent = models.CharField(_("user agent"), max_length=255, blank=True)
    unused_token_id = models.BigIntegerField(null=True, unique=True, editable=False)
    """The access token that the last refresh issued, until it is first used (S68).

    No foreign key, so that deleting an access token takes no lock here. Ids are never used twice.
    """

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering: ClassVar = ["-last_used_at"]

    def __str__(self) -> str:
        return f"{self.account} · {self.client}"


@receiver(sessions_ending)
def end_sessions(accounts: list[uuid.UUID], keep: uuid.UUID | None = None, **_signal: Any) -> None:
    """End all sessions of these accounts, whose rows are locked, but not the one to keep, nor its tokens.

    Waits for refreshes under way, which hold their session, and for exchanges of codes, which delete the code. Codes
    are deleted first, so that the sessions that they were exchanged for are found. A refresh of the kept session is not
    waited for: its tokens, old or new, belong to the kept family.
    """
    get_grant_model().objects.filter(user__in=accounts).delete()
    sessions = Session.objects.filter(account__in=accounts)
    refresh_tokens = get_refresh_token_model().objects.filter(user__in=accounts, revoked=None)
    access_tokens = get_access_token_model().objects.filter(user__in=accounts)
    # None if it has ended meanwhile: nothing is kept then.
    family = sessions.filter(pk=keep).values_list("token_family", flat=True).first() if keep else None
    if family is not None:
        sessions = sessions.exclude(token_family=family)
        refresh_tokens = refresh_tokens.exclude(token_family=family)
        access_tokens = access_tokens.exclude(refresh_token__token_family=family)
    list(sessions.order_by("pk").select_for_update().values_list("pk"))
    refresh_tokens.update(revoked=clock.now())
    access_tokens.delete()
    sessions.delete()

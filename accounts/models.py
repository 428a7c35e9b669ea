"""What is stored: accounts, the OAuth clients that may act for them, and their sessions."""

import uuid
from collections.abc import Collection, Iterable
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from oauth2_provider.models import AbstractApplication

from accounts.validators import (
    canonical_email,
    username_key,
    validate_address,
    validate_plain_text,
    validate_username,
)

LONGEST_EMAIL = 254
"""RFC 5321 §4.5.3.1.3, less the brackets."""
LONGEST_NAME = 150


class AccountManager(BaseUserManager["Account"]):
    """Creates accounts the way Django's commands and forms expect."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "Account":
        """Store an account; without a password it cannot sign in with one. Raises ValueError without an e-mail."""
        fields.setdefault("is_staff", False)
        fields.setdefault("is_superuser", False)
        return self._create(email, password, **fields)

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "Account":
        """Store an account that may do everything. Raises ValueError if told otherwise."""
        for flag in ("is_staff", "is_superuser"):
            if fields.setdefault(flag, True) is not True:
                raise ValueError(f"Superuser must have {flag}=True.")
        if self.filter(username_key=username_key(fields.get("username", ""))).exists():
            # Which `createsuperuser` tells without a traceback.
            raise ValidationError(_("An account with this username already exists."), code="unique")
        return self._create(email, password, **fields)

    def get_by_natural_key(self, username: str | None) -> "Account":
        """By e-mail address, in any case and spelling."""
        return self.get(email=canonical_email(username or ""))

    def _create(self, email: str, password: str | None, **fields: Any) -> "Account":
        if not email or not email.strip():
            raise ValueError("The given email must be set")
        account = self.model(email=canonical_email(email), **fields)
        account.set_password(password)
        account.save(using=self._db)
        return account


class UsernameKeyField(models.CharField):  # type: ignore[type-arg]  # generic in the stubs only
    """Follows `username`, however the row is written: two usernames with the same key are the same name."""

    def pre_save(self, model_instance: models.Model, add: bool) -> str:  # noqa: FBT001 - Django's signature
        """The key of the username that is stored now."""
        key = username_key(model_instance.username)  # type: ignore[attr-defined]  # of Account only
        setattr(model_instance, self.attname, key)
        return key


class Account(AbstractBaseUser, PermissionsMixin):  # type: ignore[django-manager-missing]  # swapped Application
    """A person who can sign in, by an e-mail address and a password or a social account."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(
        _("e-mail address"),
        max_length=LONGEST_EMAIL,
        unique=True,
        validators=[validate_address],
        error_messages={"unique": _("An account with this e-mail address already exists.")},
    )
    email_verified = models.BooleanField(_("e-mail verified"), default=False)
    username = models.CharField(
        _("username"), max_length=LONGEST_NAME, validators=[validate_username, validate_plain_text]
    )
    username_key = UsernameKeyField(max_length=LONGEST_NAME, unique=True, editable=False)
    first_name = models.CharField(_("given name"), max_length=LONGEST_NAME, validators=[validate_plain_text])
    last_name = models.CharField(
        _("family name"), max_length=LONGEST_NAME, blank=True, validators=[validate_plain_text]
    )
    is_staff = models.BooleanField(_("staff"), default=False, help_text=_("May enter this administration site."))
    is_active = models.BooleanField(
        _("active"),
        default=True,
        help_text=_("Untick this instead of deleting: every token of the account stops working at once."),
    )
    date_joined = models.DateTimeField(_("joined"), default=timezone.now, editable=False)

    objects: ClassVar[AccountManager] = AccountManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["username", "first_name"]

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(email=Lower("email")), name="account_email_is_canonical"),
        ]
        indexes: ClassVar = [
            # The order of `users`.
            models.Index(F("date_joined").desc(), F("id").desc(), name="account_newest_first"),
        ]

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        """Canonicalise what a form was given; what grows too long by it is refused."""
        super().clean()
        self.email = canonical_email(self.email or "")
        grown = {"email": (self.email, LONGEST_EMAIL), "username": (username_key(self.username or ""), LONGEST_NAME)}
        errors = {
            name: ValidationError(_("This is too long."), "max_length")
            for name, (value, longest) in grown.items()
            if len(value) > longest
        }
        if errors:
            raise ValidationError(errors)

    def validate_unique(self, exclude: Collection[str] | None = None) -> None:
        """As Django; and a username that somebody has in another case or spelling is taken too."""
        errors: dict[str, list[ValidationError]] = {}
        try:
            super().validate_unique(exclude)
        except ValidationError as error:
            error.update_error_dict(errors)
        key = username_key(self.username or "")
        if "username" not in (exclude or ()) and (
            type(self).objects.filter(username_key=key).exclude(pk=self.pk).exists()
        ):
            message = _("An account with this username already exists.")
            errors.setdefault("username", []).append(ValidationError(message, code="unique"))
        if errors:
            raise ValidationError(errors)

    def save(self, *, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Store; the username's key always goes with the username."""
        if update_fields is not None and "username" in update_fields:
            update_fields = {*update_fields, "username_key"}
        super().save(update_fields=update_fields, **kwargs)

    def get_full_name(self) -> str:
        """Given and family name."""
        return f"{self.first_name} {self.last_name}".strip()

    def get_short_name(self) -> str:
        """Given name."""
        return self.first_name


class ClientManager(models.Manager["Client"]):
    """Looks clients up by what they are known by."""

    def get_by_natural_key(self, client_id: str) -> "Client":
        """By `client_id`."""
        return self.get(client_id=client_id)


class RefreshTokenTransport(models.TextChoices):
    """How a refresh token travels."""

    BODY = "BODY", _("in the answer")
    COOKIE = "COOKIE", _("in a cookie")


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

    objects: ClassVar[ClientManager] = ClientManager()

    class Meta:
        verbose_name = _("client")
        verbose_name_plural = _("clients")

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
        if errors:
            raise ValidationError(errors)

    def natural_key(self) -> tuple[str]:
        """What fixtures refer to."""
        return (self.client_id,)


class Session(models.Model):
    """One sign-in and all the tokens that came of it: a family of refresh tokens, each the successor of another.

    It exists as long as the family can be refreshed: ending a session deletes its row. The row is also the lock
    under which a family rotates.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    token_family = models.UUIDField(unique=True, editable=False)
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sessions")
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="sessions")
    created_at = models.DateTimeField(_("began"), default=timezone.now, editable=False)
    authenticated_at = models.DateTimeField(_("authenticated"), default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(_("last refreshed"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("ends at the latest"), db_index=True)
    ip_address = models.GenericIPAddressField(_("IP address"), null=True, blank=True)
    user_agent = models.CharField(_("user agent"), max_length=255, blank=True)

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering: ClassVar = ["-last_used_at"]

    def __str__(self) -> str:
        return f"{self.account} · {self.client}"


class Challenge(models.Model):
    """A sign-in that waits for one more step. Its token is random, and only its SHA-256 is stored (S15, S63)."""

    class Kind(models.TextChoices):
        """What is waited for."""

        LINK = "LINK", _("sign in to the account and link")
        PROFILE = "PROFILE", _("tell what the provider did not")

    digest = models.CharField(max_length=64, primary_key=True)
    kind = models.CharField(max_length=7, choices=Kind.choices)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="+")
    scope = models.TextField()
    transport = models.CharField(max_length=6, choices=RefreshTokenTransport.choices)
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", null=True)
    provider = models.CharField(max_length=32)
    claims = models.JSONField()
    """What the provider vouched for; never a credential."""
    attempts = models.PositiveSmallIntegerField(default=0)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("challenge")
        verbose_name_plural = _("challenges")

    def __str__(self) -> str:
        return f"{self.kind} · {self.provider}"


class SpentCredential(models.Model):
    """Something that counts once, and has been used: an ID token, a nonce, a flow (S35). Kept until it would expire."""

    digest = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("spent credential")
        verbose_name_plural = _("spent credentials")

    def __str__(self) -> str:
        return self.digest

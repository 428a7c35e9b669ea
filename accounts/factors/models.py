"""The tables of an account's second factors, passkeys and remembered browsers."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

LONGEST_CREDENTIAL_ID = 1364
"""Of 1,023 bytes (WebAuthn level 3 §5.4.1) in base64url."""
LONGEST_PASSKEY_NAME = 64


class Totp(models.Model):
    """An authenticator app that is set up (RFC 6238). There is no row before its first code was right."""

    account = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="totp",
        verbose_name=_("account"),
    )
    secret = models.TextField(editable=False)
    """The Base32 secret, sealed (`factors.sealing`)."""
    last_step = models.BigIntegerField(editable=False)
    """The time step of the last code that was accepted: no code counts twice (RFC 6238 §5.2)."""
    created_at = models.DateTimeField(_("set up"), default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)

    class Meta:
        verbose_name = _("authenticator app")
        verbose_name_plural = _("authenticator apps")

    def __str__(self) -> str:
        return str(self.account)


class RecoveryCodes(models.Model):
    """The recovery codes that are left, as HMACs under a key of the account's own (S71).

    The key is sealed as secrets of authenticator apps are. So both can be sealed anew when the service's key changes.
    """

    account = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="recovery_codes",
        verbose_name=_("account"),
    )
    key = models.TextField(editable=False)
    digests = models.JSONField(editable=False)
    created_at = models.DateTimeField(_("made"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("recovery codes")
        verbose_name_plural = _("recovery codes")

    def __str__(self) -> str:
        return str(self.account)


class Passkey(models.Model):
    """A WebAuthn credential (level 3 §4, credential record)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="passkeys", verbose_name=_("account")
    )
    credential_id = models.CharField(max_length=LONGEST_CREDENTIAL_ID, unique=True, editable=False)
    """In base64url, without padding."""
    public_key = models.BinaryField(editable=False)
    """In COSE."""
    sign_count = models.BigIntegerField(default=0, editable=False)
    transports = models.JSONField(default=list, editable=False)
    aaguid = models.UUIDField(null=True, editable=False)
    """The model of the authenticator; all zero where it does not say."""
    name = models.CharField(_("name"), max_length=LONGEST_PASSKEY_NAME)
    can_sign_in = models.BooleanField(_("signs in by itself"), editable=False)
    """Discoverable, and able to verify its user. Otherwise it is a second factor only."""
    backup_eligible = models.BooleanField(editable=False)
    backed_up = models.BooleanField(_("synced"), editable=False)
    created_at = models.DateTimeField(_("added"), default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)

    class Meta:
        verbose_name = _("passkey")
        verbose_name_plural = _("passkeys")
        ordering: ClassVar = ["created_at", "pk"]

    def __str__(self) -> str:
        return f"{self.account} · {self.name}"


class RememberedBrowser(models.Model):
    """A browser that is not asked for a second factor for a while. Its cookie's token is random and stored hashed."""

    digest = models.CharField(max_length=64, primary_key=True, editable=False)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="remembered_browsers",
        verbose_name=_("account"),
    )
    session_id = models.UUIDField(null=True, editable=False, db_index=True)
    """The key of the session that it last began. No foreign key: signing out does not forget the browser."""
    created_at = models.DateTimeField(_("remembered"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"), db_index=True, editable=False)

    class Meta:
        verbose_name = _("remembered browser")
        verbose_name_plural = _("remembered browsers")

    def __str__(self) -> str:
        return str(self.account)


class FactorReset(models.Model):
    """A reset of an account's second factors that staff asked for, until it takes effect."""

    account = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="factor_reset",
        verbose_name=_("account"),
    )
    actor = models.UUIDField(_("asked for by"), null=True, editable=False)
    """The account that asked for it. No foreign key: it may be deleted before."""
    reason = models.CharField(_("reason"), max_length=200)
    requested_at = models.DateTimeField(_("asked for"), default=timezone.now, editable=False)
    effective_at = models.DateTimeField(_("takes effect"), db_index=True, editable=False)

    class Meta:
        verbose_name = _("reset of second factors")
        verbose_name_plural = _("resets of second factors")

    def __str__(self) -> str:
        return str(self.account)

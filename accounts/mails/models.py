"""Mailed codes, and the mails that wait to be sent."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.people.models import LONGEST_EMAIL
from accounts.shared.languages import LONGEST_TAG


class Purpose(models.TextChoices):
    """The purpose of a mailed code or link, which works for no other."""

    VERIFY = "verify", _("confirm the address")
    RESET = "reset", _("choose a password")
    SIGN_IN = "sign_in", _("sign in")
    REAUTHENTICATE = "reauthenticate", _("confirm the holder")
    CHANGE_EMAIL = "change_email", _("change the address")
    UNDO_EMAIL_CHANGE = "undo_email_change", _("undo a change of the address")
    SECURE = "secure", _("secure the account")
    CANCEL_DELETION = "cancel_deletion", _("undo a deletion")


class MailedCode(models.Model):
    """A code and a link that were mailed together. Using one uses up both.

    The row holds neither: both are derived from its id with a key (S8, S71, S86). Without an account and a registration
    it opens nothing: it was made for an unknown address, so that the request costs the same (S2).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    purpose = models.CharField(_("purpose"), max_length=32, choices=Purpose.choices)
    email = models.EmailField(_("mailed to"), max_length=LONGEST_EMAIL)
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", null=True)
    registration = models.ForeignKey(
        "accounts.PendingRegistration", on_delete=models.CASCADE, related_name="+", null=True
    )
    client = models.ForeignKey("accounts.Client", on_delete=models.CASCADE, related_name="+", null=True)
    """The client that asked, whose front end the link opens."""
    challenge_digest = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001 - NULL is not unique
    """SHA-256 of the token with which the typed code has to come, if it needs one."""
    data = models.JSONField(default=dict)
    """State that the journey needs; never a secret."""
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"), db_index=True)
    used_at = models.DateTimeField(_("used"), null=True)

    class Meta:
        verbose_name = _("mailed code")
        verbose_name_plural = _("mailed codes")
        indexes: ClassVar = [models.Index(fields=["email"], name="mailed_code_of_address")]

    def __str__(self) -> str:
        return f"{self.purpose} · {self.created_at:%Y-%m-%d %H:%M}"


class Mail(models.Model):
    """A mail that waits to be sent, or could not be. The row goes when it is sent.

    It names the template, the address and the code, and holds nothing usable (S86).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    template = models.CharField(_("template"), max_length=40)
    email = models.EmailField(_("to"), max_length=LONGEST_EMAIL)
    locale = models.CharField(_("language"), max_length=LONGEST_TAG)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", null=True, verbose_name=_("account")
    )
    client = models.ForeignKey(
        "accounts.Client", on_delete=models.SET_NULL, related_name="+", null=True, verbose_name=_("client")
    )
    code = models.ForeignKey(MailedCode, on_delete=models.CASCADE, related_name="+", null=True)
    data = models.JSONField(_("values of the template"), default=dict)
    """Values of the template; never a secret."""
    created_at = models.DateTimeField(_("queued"), default=timezone.now)
    due_at = models.DateTimeField(_("next attempt"), default=timezone.now)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    claimed_until = models.DateTimeField(null=True)
    """Until when a worker may be sending it."""
    maybe_sent = models.BooleanField(_("may have been sent"), default=False)
    """A worker died while it was sending: another attempt may repeat the mail."""
    dead_at = models.DateTimeField(_("given up"), null=True)
    """When the last attempt was given up: a dead letter."""
    error = models.CharField(_("last failure"), max_length=200, blank=True)
    """In our own words and codes: a mail server's text may repeat the address or the mail."""

    class Meta:
        verbose_name = _("mail")
        verbose_name_plural = _("mails")
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=models.Q(dead_at=None), name="mail_due"),
            models.Index(fields=["email"], name="mail_of_address"),
        ]

    def __str__(self) -> str:
        return f"{self.template} · {self.created_at:%Y-%m-%d %H:%M}"

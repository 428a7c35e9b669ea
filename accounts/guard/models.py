"""What happened to each account."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class SecurityEvent(models.Model):
    """Something that happened to an account's security. Never changed later, except that repeated failures are counted.

    It holds no secret and no text that a stranger chose, except the user agent. Accounts and clients are named without
    foreign keys: an event outlives both, and the table can be partitioned by `created_at`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    type = models.CharField(_("type"), max_length=64)
    subject = models.UUIDField(_("account"), null=True, blank=True)
    """The account that it happened to; None if the failed attempt named no account."""
    actor = models.UUIDField(_("by"), null=True, blank=True)
    """The account that did it, if known: the holder, or a member of staff."""
    client = models.CharField(_("client"), max_length=100, blank=True)
    """Its `client_id`."""
    ip_address = models.GenericIPAddressField(_("IP address"), null=True, blank=True)
    user_agent = models.CharField(_("user agent"), max_length=255, blank=True)
    cause = models.CharField(_("cause"), max_length=100, blank=True)
    """Why it was refused, or what exactly happened: our own words, codes and names."""
    request_id = models.CharField(_("request"), max_length=128, blank=True)
    count = models.PositiveIntegerField(_("count"), default=1)
    """How often a failure was repeated in the same minute."""
    created_at = models.DateTimeField(_("when"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("security event")
        verbose_name_plural = _("security events")
        ordering: ClassVar = ["-created_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["subject", "-created_at", "-id"], name="event_subject_newest_first"),
            models.Index(fields=["created_at"], name="event_created_at"),
        ]

    def __str__(self) -> str:
        return f"{self.type} · {self.created_at:%Y-%m-%d %H:%M}"

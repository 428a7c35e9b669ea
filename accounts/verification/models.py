"""Registrations that wait until their address is confirmed."""

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.people.models import LONGEST_EMAIL, LONGEST_NAME
from accounts.people.usernames import LONGEST_USERNAME
from accounts.shared.languages import LONGEST_TAG


class PendingRegistration(models.Model):
    """A registration where confirmation is mandatory. It is no account: it holds neither the address nor the username.

    One is stored for a taken address too, so that the request costs the same (S3, S61): its code is never mailed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(_("e-mail address"), max_length=LONGEST_EMAIL, db_index=True)
    username = models.CharField(_("username"), max_length=LONGEST_USERNAME)
    first_name = models.CharField(_("given name"), max_length=LONGEST_NAME)
    last_name = models.CharField(_("family name"), max_length=LONGEST_NAME, blank=True)
    password = models.CharField(max_length=128)
    """Its hash; unusable for one through a provider."""
    locale = models.CharField(_("language"), max_length=LONGEST_TAG)
    identity = models.JSONField(null=True)
    """The identity at a provider to link, as `social.verification.Identity` in JSON."""
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"), db_index=True)

    class Meta:
        verbose_name = _("pending registration")
        verbose_name_plural = _("pending registrations")

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M}"

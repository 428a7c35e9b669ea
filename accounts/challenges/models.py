"""Pending challenges."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.tokens.models import Client, RefreshTokenTransport


class Challenge(models.Model):
    """A sign-in that waits for one more step. Its token is random, and only its SHA-256 is stored (S15, S63)."""

    digest = models.CharField(max_length=64, primary_key=True)
    kind = models.CharField(max_length=32)
    """Names the capability that created the challenge, and its purpose."""
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="+")
    scope = models.TextField()
    transport = models.CharField(max_length=6, choices=RefreshTokenTransport.choices)
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", null=True)
    data = models.JSONField()
    """State that the capability needs to finish; never a credential."""
    attempts = models.PositiveSmallIntegerField(default=0)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("challenge")
        verbose_name_plural = _("challenges")

    def __str__(self) -> str:
        return f"{self.kind} · {self.client}"

"""Single-use values that have been used."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class SpentCredential(models.Model):
    """A used single-use value: an ID token, a nonce or a flow (S35). Kept until the value itself expires."""

    digest = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("spent credential")
        verbose_name_plural = _("spent credentials")

    def __str__(self) -> str:
        return self.digest

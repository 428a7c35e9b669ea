"""What happened to each account."""

import uuid
from typing import Any, ClassVar, Never

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class AppendOnlyError(TypeError):
    """A recorded event is not changed, and not deleted before its time."""

    def __init__(self) -> None:
        super().__init__("Security events are append-only.")


ACTED_ON_OTHERS = Q(actor__isnull=False) & (Q(subject=None) | ~Q(actor=F("subject")))
"""The events that somebody else than the account's holder caused: few."""


class EventQuerySet(models.QuerySet["SecurityEvent"]):
    """Events. They change in three ways only, each for one caller: the first two here, and `events.count_once_more`."""

    def forget_origin(self) -> None:
        """Take address and agent out, for the deletion of an account."""
        super().update(ip_address=None, user_agent="")

    def expire(self) -> int:
        """Delete the events, for `clear_expired`; returns their number."""
        # Not Django's `delete`, which would first look for rows that point to them: there are none.
        return int(super()._raw_delete(self.db))

    def update(self, **_values: Any) -> Never:
        """Never."""
        raise AppendOnlyError

    def delete(self) -> Never:
        """Never."""
        raise AppendOnlyError

    def _raw_delete(self, _using: str | None) -> Never:
        raise AppendOnlyError

    def bulk_create(self, objs: Any, *args: Any, update_conflicts: bool = False, **options: Any) -> Any:
        """As Django, but without changing rows that exist."""
        if update_conflicts:
            raise AppendOnlyError
        return super().bulk_create(objs, *args, **options)


class SecurityEvent(models.Model):
    """Something that happened to an account's security. Append-only, but for three exceptions: see EventQuerySet.

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
    """Its `client_id`; of a command, `program:` and the name that its operator gives."""
    ip_address = models.GenericIPAddressField(_("IP address"), null=True, blank=True)
    user_agent = models.CharField(_("user agent"), max_length=255, blank=True)
    cause = models.CharField(_("cause"), max_length=100, blank=True)
    """Why it was refused, or what exactly happened: our own words, codes and names."""
    request_id = models.CharField(_("request"), max_length=128, blank=True)
    count = models.PositiveIntegerField(_("count"), default=1)
    """How often a failure was repeated in the same minute."""
    created_at = models.DateTimeField(_("when"), default=timezone.now, editable=False)

    objects: ClassVar = EventQuerySet.as_manager()

    class Meta:
        verbose_name = _("security event")
        verbose_name_plural = _("security events")
        ordering: ClassVar = ["-created_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["subject", "-created_at", "-id"], name="event_subject_newest_first"),
            models.Index(fields=["created_at"], name="event_created_at"),
            models.Index(fields=["actor"], condition=ACTED_ON_OTHERS, name="event_by_others"),
        ]

    def __str__(self) -> str:
        return f"{self.type} · {self.created_at:%Y-%m-%d %H:%M}"

    def save(self, **options: Any) -> None:
        """As Django, for new events."""
        if not self._state.adding:
            raise AppendOnlyError
        super().save(**{**options, "force_insert": True})

    def delete(self, *_args: Any, **_options: Any) -> Never:
        """Never."""
        raise AppendOnlyError

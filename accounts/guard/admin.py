"""The administration of security events: they are read-only."""

import re
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.guard.events import EventType
from accounts.guard.models import SecurityEvent
from accounts.shared.admin import ReadOnly

ACCOUNT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""With hyphens; the id of a request has none."""


class TypeFilter(admin.SimpleListFilter):
    """By type. Django's own filter would read the whole table to find the types."""

    title = _("type")
    parameter_name = "type"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        """All types."""
        return [(type_.value, type_.value) for type_ in EventType]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[SecurityEvent]) -> QuerySet[SecurityEvent]:
        """The events of the chosen type."""
        return queryset.filter(type=self.value()) if self.value() else queryset


@admin.register(SecurityEvent)
class SecurityEventAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """What happened to the accounts, newest first."""

    list_display = ("created_at", "type", "cause", "count", "subject", "actor", "client", "ip_address")
    list_filter = (TypeFilter, "created_at")
    search_fields = ("subject",)
    search_help_text = _("The id of an account, its e-mail address, or the id of a request.")
    # It counts all rows of a large table.
    show_full_result_count = False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The events of an account, or of a request: exact matches only, and those of an account by its index."""
        term = search_term.strip()
        if "@" in term:
            accounts = get_user_model().objects.filter(email__iexact=term)
            return queryset.filter(subject__in=accounts.values("pk")), False
        if ACCOUNT_ID.fullmatch(term):
            return queryset.filter(subject=term), False
        return (queryset.filter(request_id=term) if term else queryset), False

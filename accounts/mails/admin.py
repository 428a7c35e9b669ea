"""The administration of the mail queue. It shows no code and no link: they are in no row (S86)."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.mails import queue
from accounts.mails.models import Mail
from accounts.shared.admin import ReadOnly


class DeadFilter(admin.SimpleListFilter):
    """Dead letters, or mails that wait."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        """The two states."""
        return [("dead", _("given up")), ("waiting", _("waiting"))]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Mail]) -> QuerySet[Mail]:
        """The mails in the chosen state."""
        return queryset.filter(dead_at__isnull=self.value() == "waiting") if self.value() else queryset


@admin.register(Mail)
class MailAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """Mails that wait or were given up; those that were sent are gone."""

    list_display = ("created_at", "template", "email", "locale", "attempts", "due_at", "maybe_sent", "dead_at", "error")
    list_filter = (DeadFilter, "created_at")
    search_fields = ("email",)
    ordering = ("-created_at",)
    fields = (*list_display, "account", "client", "data")
    actions = ("try_again",)
    show_full_result_count = False

    @admin.action(description=_("Try to send again"), permissions=["retry"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[Mail]) -> None:
        """Make dead letters due, unless their code is of no use any more."""
        useful = Q(code=None) | Q(code__used_at=None, code__expires_at__gt=timezone.now())
        chosen = queryset.exclude(dead_at=None)
        keys = list(chosen.filter(useful).values_list("pk", flat=True))
        kept = chosen.count() - len(keys)
        count = Mail.objects.filter(pk__in=keys).update(dead_at=None, attempts=0, due_at=timezone.now(), error="")
        queue.wake.set()
        self.message_user(request, ngettext("%d mail is due now.", "%d mails are due now.", count) % count)
        if kept:
            text = ngettext("%d mail has an expired code.", "%d mails have expired codes.", kept) % kept
            self.message_user(request, text, messages.WARNING)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """For staff who may change mails."""
        return request.user.has_perm("accounts.change_mail")

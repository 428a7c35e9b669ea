"""The administration deletes accounts as their holders do."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.leaving import grace, holdings
from accounts.leaving.deletion import erase
from accounts.mails import codes
from accounts.mails.models import Purpose
from accounts.mfa.admin import FactorsOfAccountAdmin
from accounts.people.models import Account

admin.site.unregister(Account)


@admin.register(Account)
class ErasingAccountAdmin(FactorsOfAccountAdmin):
    """The pages of accounts. A deletion leaves nothing of the person in the rows that are kept."""

    actions = ("keep_closed",)

    @admin.action(description=_("Disable for good, instead of the scheduled deletion"), permissions=["change"])
    def keep_closed(self, request: HttpRequest, queryset: QuerySet[Account]) -> None:
        """Withdraw scheduled deletions: the accounts stay disabled, and no mailed link opens them."""
        number = grace.keep_closed(queryset if request.user.is_superuser else queryset.filter(is_staff=False))
        self.message_user(request, _("Accounts that stay disabled: %d") % number, messages.SUCCESS)

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:  # noqa: FBT001
        """As Django; an address that staff choose ends all mailed links, those to former addresses included.

        Otherwise a thief's address, from which staff took the account back, could undo that for 7 days.
        """
        super().save_model(request, obj, form, change)
        if change and "email" in form.changed_data:
            codes.withdraw(obj, *Purpose)
            holdings.rename(obj, former=form.initial["email"])

    def delete_model(self, request: HttpRequest, obj: Account) -> None:
        """Delete it with everything that is about it."""
        self.delete_queryset(request, Account.objects.filter(pk=obj.pk))

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Account]) -> None:
        """Delete each of them."""
        for account in queryset.order_by("pk").select_for_update(no_key=True):
            erase(account)

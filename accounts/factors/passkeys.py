"""The passkeys that count."""

from django.db.models import QuerySet

from accounts.factors.models import Passkey
from accounts.people.models import Account
from accounts.shared import clock


def live() -> QuerySet[Passkey]:
    """All but those that a reset by staff has ended, whether their rows are deleted yet or not."""
    return Passkey.objects.exclude(account__factor_reset__effective_at__lte=clock.now())


def passkeys_of(account: Account) -> QuerySet[Passkey]:
    """Those of this account, oldest first."""
    return live().filter(account=account)

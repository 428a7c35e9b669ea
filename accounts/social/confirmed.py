"""Links the identity of a registration through a provider, once its address is confirmed."""

from typing import Any

from django.dispatch import receiver

from accounts.errors import InvalidChallenge
from accounts.people.models import Account
from accounts.social.challenges import identity_in
from accounts.social.errors import AlreadyLinked, ProviderRejected, ProviderUnknown
from accounts.social.identification import attach
from accounts.verification.signals import registration_confirmed


@receiver(registration_confirmed)
def link_identity(account: Account, identity: dict[str, Any], **_signal: Any) -> None:
    """Link it to the new account.

    Raises InvalidChallenge if another account has it by now, or if its provider was switched off.
    """
    try:
        attach(identity_in(identity), account=account)
    except (AlreadyLinked, ProviderUnknown, ProviderRejected):
        raise InvalidChallenge(field=("challenge_token",)) from None

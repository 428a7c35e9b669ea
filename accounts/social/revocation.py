"""Tells Apple that somebody leaves, as its App Store requires of apps with Sign in with Apple (Guideline 5.1.1 (v))."""

from collections.abc import Iterable

from social_django.models import UserSocialAuth

from accounts.conf import AppleProvider, latchkey
from accounts.guard import limits
from accounts.guard.limits import Action
from accounts.shared.caller import Caller
from accounts.social import refusals
from accounts.social.providers import apple
from accounts.tokens.api import Bearer

CODE = ("apple_code",)


def revoke_at_apple(
    code: str, *, bearer: Bearer, caller: Caller, identities: Iterable[UserSocialAuth] | None = None
) -> None:
    """Revoke at Apple what a fresh code of one of these identities stands for; by default, of any of the account's.

    Nothing of the code or of Apple's answer is stored or logged. Call it outside a transaction, because Apple is asked,
    and before what it is the condition of. Raises ProviderRejected, ProviderUnavailable, RateLimited.
    """
    if identities is None:
        identities = UserSocialAuth.objects.filter(user=bearer.account)
    subjects = {(row.provider, row.uid) for row in identities}
    provider = next((each for each in latchkey().providers if isinstance(each, AppleProvider)), None)
    with limits.attempt(Action.CONVERT, account=str(bearer.account.pk), caller=caller, client=bearer.client_name):
        own = {subject for name, subject in subjects if provider and name == provider.name}
        if provider is None or not own:
            raise refusals.rejected("apple", "no identity of Apple, so no code of one", field=CODE)
        apple.revoke(code, provider=provider, subjects=own, field=CODE)

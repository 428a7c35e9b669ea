"""Sign in, or up, through a provider."""

from dataclasses import dataclass

from accounts import bearer_tokens, social
from accounts.bearer_tokens import ClientGrant, TokenSet
from accounts.caller import Caller
from accounts.models import Account


@dataclass(frozen=True, kw_only=True)
class Converted:
    """The outcome of a sign-in through a provider."""

    account: Account
    tokens: TokenSet
    is_new_account: bool


def convert_social_token(*, provider: str, access_token: str, grant: ClientGrant, caller: Caller) -> Converted:
    """Trade a provider's access token for ours. Raises what `social.identify` raises."""
    identified = social.identify(provider=provider, access_token=access_token)
    tokens = bearer_tokens.issue(account=identified.account, grant=grant, caller=caller)
    return Converted(account=identified.account, tokens=tokens, is_new_account=identified.is_new)

"""A sign-in through a provider up to the account, without tokens of ours."""

from accounts import social
from accounts.social import AccessToken, Identified


def identify(*, provider: str, access_token: str) -> Identified:
    """The account that a provider's access token belongs to."""
    identity, _verified = social.verify(provider=provider, credential=AccessToken(value=access_token), client=0)
    return social.identify(identity)

"""A sign-in through a provider up to the account, without tokens of ours."""

from accounts import social
from accounts.social import AccessToken, Identified, IdToken, Presented


def identify(
    *, provider: str, access_token: str | None = None, id_token: str | None = None, nonce: str | None = None
) -> Identified:
    """The account that a provider's token belongs to."""
    credential: Presented = (
        IdToken(value=id_token, nonce=nonce) if id_token is not None else AccessToken(value=access_token or "")
    )
    identity, _answer = social.verify(provider=provider, credential=credential, client=0)
    return social.identify(identity)

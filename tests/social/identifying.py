"""A sign-in through a provider up to the account, without tokens of ours."""

from typing import Any

from accounts.social import identification
from accounts.social.credentials import AccessToken, IdToken
from accounts.social.verification import Presented, verify


def identify(
    *, provider: str, access_token: str | None = None, id_token: str | None = None, nonce: str | None = None
) -> Any:
    """The outcome for a provider's token: Identified, AddressTaken or Incomplete."""
    credential: Presented = (
        IdToken(value=id_token, nonce=nonce) if id_token is not None else AccessToken(value=access_token or "")
    )
    identity, _answer = verify(provider=provider, credential=credential, client=0)
    return identification.identify(identity)

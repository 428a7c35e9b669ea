"""Sign-in through providers: a credential is verified to be for us before anything else is done with it.

- `providers/` holds one module for each provider, the verifiers that a provider is composed of, and the `Exchange` that
  asks it within firm limits.
- `verification` goes from a presented credential to the identity of its holder, and consumes single-use values.
- `identification` goes from the identity to its account. It runs social-core's pipeline by the adapter in `pipeline`;
  `sign_up` is our own step in it.
- `sign_in` and `linking` are the journeys; `challenges` holds the steps that a sign-in may need.
- `links` lists and removes the identities of an account.
"""

from accounts.social.credentials import AccessToken, IdToken
from accounts.social.links import LinkedIdentity, linked_identities
from accounts.social.providers.authorization import Prompt
from accounts.social.providers.provider import SocialProvider
from accounts.social.providers.registry import offered
from accounts.social.sign_up import Profile
from accounts.social.verification import Presented, PresentedCode

__all__ = [
    "AccessToken",
    "IdToken",
    "LinkedIdentity",
    "Presented",
    "PresentedCode",
    "Profile",
    "Prompt",
    "SocialProvider",
    "linked_identities",
    "offered",
]

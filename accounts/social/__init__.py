"""Sign-in through providers: a credential is verified to be for us before anything else is done with it.

The one place that knows social-core.

- `http.py` asks a provider within firm limits.
- `credentials.py` names what a provider can issue; `flows.py` makes what is given out before it does.
- `base.py`, `openid.py` and `providers.py` verify a credential, and give what the provider vouches for as `Claims`;
  `issuers.py` remembers what providers publish of themselves.
- `registry.py` knows which providers are switched on.
- `verification.py` goes from what a client presents to whose it is, and spends what counts once.
- `sign_up.py` makes an account of claims.
- `identification.py` runs the pipeline: from the identity to its account, or to a new one.
- `links.py` tells and ends what an account is linked to.
"""

from social_django.models import UserSocialAuth

from accounts.social.base import Claims, VerifyingBackend
from accounts.social.credentials import AccessToken, CredentialKind, IdToken
from accounts.social.flows import Flow, create_nonce
from accounts.social.identification import Identified, identify, link
from accounts.social.links import LinkedIdentity, SignInMethod, linked_identities, sign_in_methods, unlink
from accounts.social.openid import OpenIDConnect
from accounts.social.providers import Apple, Facebook, GitHub, Google, Microsoft
from accounts.social.registry import backend_for, offered
from accounts.social.sign_up import AddressTaken, Incomplete, Profile
from accounts.social.verification import Identity, Presented, PresentedCode, verify

__all__ = [
    "AccessToken",
    "AddressTaken",
    "Apple",
    "Claims",
    "CredentialKind",
    "Facebook",
    "Flow",
    "GitHub",
    "Google",
    "IdToken",
    "Identified",
    "Identity",
    "Incomplete",
    "LinkedIdentity",
    "Microsoft",
    "OpenIDConnect",
    "Presented",
    "PresentedCode",
    "Profile",
    "SignInMethod",
    "UserSocialAuth",
    "VerifyingBackend",
    "backend_for",
    "create_nonce",
    "identify",
    "link",
    "linked_identities",
    "offered",
    "sign_in_methods",
    "unlink",
    "verify",
]

"""Sign-in through providers: a credential is verified to be for us before anything else is done with it.

The one place that knows social-core.

- `http.py` asks a provider within firm limits.
- `backends.py` verifies a credential, and gives what the provider vouches for as `Claims`.
- `sign_up.py` makes an account of claims.
- `identification.py` runs the pipeline: from claims to the account whose identity they are, or to a new one.
"""

from social_django.models import UserSocialAuth

from accounts.social.backends import Claims, Facebook, Google, VerifyingBackend
from accounts.social.identification import Identified, identify

__all__ = ["Claims", "Facebook", "Google", "Identified", "UserSocialAuth", "VerifyingBackend", "identify"]

"""Whether a provider has asked for a second factor, so that a sign-in need not show one here as well.

The provider says so in `amr` of an ID token (RFC 8176). That counts only for the providers in MFA_TRUSTED_PROVIDERS,
only for the sign-in, and never for sensitive changes: the provider may answer from a session that began long ago.
"""

from collections.abc import Collection

from accounts.conf import latchkey

MULTIPLE = "mfa"
KINDS = (
    frozenset({"pwd", "pin"}),
    frozenset({"otp", "hwk", "swk", "sc"}),
    frozenset({"face", "fpt", "iris", "retina", "vbm"}),
)
"""Something known, something held, something of the body. The others of RFC 8176 are left out: `sms` and `tel` can be
taken over with a telephone number, and `kba`, `geo`, `rba`, `user`, `wia` and `mca` are no factor by themselves."""


def is_shown(methods: Collection[str]) -> bool:
    """Whether these values of `amr` say so: by `mfa`, or by methods of two kinds."""
    return MULTIPLE in methods or sum(not kind.isdisjoint(methods) for kind in KINDS) > 1


def is_trusted(provider: str) -> bool:
    """Whether the word of this provider counts now."""
    return provider in latchkey().mfa_trusted_providers

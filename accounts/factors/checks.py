"""System checks of passkeys."""

from typing import Any
from urllib.parse import urlsplit

from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

from accounts.conf import latchkey
from accounts.factors.webauthn import is_page, origins, related_origins, rp_id


@register(Tags.security)
def passkeys_have_a_page(**_kwargs: Any) -> list[CheckMessage]:
    """Passkeys of a domain where no page may use them would never work."""
    if not rp_id() or any(map(is_page, origins())):
        return []
    return [
        Error(
            f"No page may use passkeys: none is at {rp_id()} or below it.",
            hint="Set PASSKEY_RP_ID to the domain of your pages, or name them in PASSKEY_ORIGINS.",
            id="accounts.E007",
        )
    ]


@register(Tags.security, deploy=True)
def passkeys_have_a_domain(**_kwargs: Any) -> list[CheckMessage]:
    """Warn if there are no passkeys, for want of a domain."""
    if rp_id():
        return []
    return [
        checks.Warning(
            "Passkeys are off, because they have no domain.",
            hint="Set PUBLIC_URL, or PASSKEY_RP_ID.",
            id="accounts.W007",
        )
    ]


@register(Tags.security, deploy=True)
def front_ends_may_use_passkeys(**_kwargs: Any) -> list[CheckMessage]:
    """Warn about front ends where passkeys do not work."""
    left_out = [origin for origin in latchkey().front_end_origins if is_page(origin) and origin not in origins()]
    if not rp_id() or not left_out:
        return []
    return [
        checks.Warning(
            f"Passkeys of {rp_id()} do not work at {', '.join(left_out)}.",
            hint="Set PASSKEY_RP_ID to a domain that all of them are below, before anybody has a passkey; or name them"
            " in PASSKEY_ORIGINS as related origins.",
            id="accounts.W008",
        )
    ]


@register(Tags.security, deploy=True)
def related_origins_are_served(**_kwargs: Any) -> list[CheckMessage]:
    """Warn if browsers would look for related origins at a host that is not this service."""
    if not related_origins() or any(urlsplit(url).hostname == rp_id() for url in latchkey().public_urls):
        return []
    return [
        checks.Warning(
            f"Browsers read which origins are related at https://{rp_id()}/.well-known/webauthn, not at PUBLIC_URL.",
            hint="Let that page forward to /.well-known/webauthn of this service, or choose a PASSKEY_RP_ID to which"
            f" these are not foreign: {', '.join(related_origins())}.",
            id="accounts.W009",
        )
    ]

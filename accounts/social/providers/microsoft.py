"""Microsoft Entra ID. Issuers differ by tenant, and administrators of a tenant type the addresses of its people."""

import re
from functools import partial

from accounts.conf import Provider
from accounts.social.claims import ClaimsReader, Content
from accounts.social.providers.codes import CodeVerifier, IdTokenAndUserinfo
from accounts.social.providers.discovery import Discovery
from accounts.social.providers.id_tokens import IdTokenVerifier
from accounts.social.providers.provider import SocialProvider
from accounts.social.providers.userinfo import Userinfo

GUID = re.compile(r"[0-9a-fA-F-]{36}")
CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant of private Microsoft accounts."""


def microsoft(provider: Provider) -> SocialProvider:
    """ID tokens, and codes if there is a secret.

    Access tokens are for Microsoft's own APIs, and no endpoint says whom they were issued to.
    """
    template = issuer_template(provider.issuer)
    discovery = Discovery(issuers=(template,))
    id_tokens = IdTokenVerifier(
        discovery=discovery, allowed_issuers=partial(issuers_of, template), claims=MicrosoftClaims()
    )
    userinfo = Userinfo(discovery=discovery)
    codes = CodeVerifier(discovery=discovery, tokens=IdTokenAndUserinfo(id_tokens=id_tokens, userinfo=userinfo))
    return SocialProvider(
        settings=provider,
        discovery=discovery,
        id_tokens=id_tokens,
        codes=codes if provider.client_secret else None,
    )


class MicrosoftClaims(ClaimsReader):
    """An address counts as verified only if the tenant owns its domain: otherwise any tenant could name any address."""

    verification = "xms_edov"

    def email_verified(self, content: Content) -> bool:
        """Whether the optional claim says so, in one of the forms that Microsoft sends."""
        return content.get(self.verification) in (True, 1, "1", "true")

    def userinfo_may_add(self, content: Content) -> bool:
        """Whether the address is missing. Userinfo never verifies it, and refuses the tokens of other APIs."""
        return not self.read(content).email


def issuer_template(issuer: str) -> str:
    """The issuer with `{tenantid}` in place of `common` or `organizations`."""
    return re.sub(
        r"/(common|organizations)/v2\.0$", "/{tenantid}/v2.0", issuer.replace("/consumers/", f"/{CONSUMERS}/")
    )


def issuers_of(template: str, content: Content) -> tuple[str, ...]:
    """The issuer of the tenant that the token names."""
    tenant = content.get("tid")
    if not isinstance(tenant, str) or not GUID.fullmatch(tenant):
        return ()
    return (template.replace("{tenantid}", tenant),)

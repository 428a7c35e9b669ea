"""Userinfo (OpenID Connect Core §5.3)."""

from dataclasses import dataclass

from accounts.social.claims import ClaimsReader, Content, Verified
from accounts.social.providers.discovery import Discovery
from accounts.social.providers.exchange import OK, Exchange
from accounts.social.providers.jwts import signed_content


@dataclass(frozen=True, kw_only=True)
class Userinfo:
    """Asks userinfo about the holder of an access token. Any application's token opens it: check the audience first."""

    discovery: Discovery

    def verified(self, access_token: str, *, token: Content, exchange: Exchange) -> Verified:
        """The holder of an access token that was issued to us. `token` is what the provider said of it, and must agree.

        Raises ProviderRejected, ProviderUnavailable.
        """
        person = self.ask(self.discovery.endpoint("userinfo", exchange), access_token, exchange)
        claims = ClaimsReader().read(person)
        if token.get("sub", claims.sub) != claims.sub:
            raise exchange.rejected("the token's subject is not that of userinfo")
        return Verified(claims=claims, answer={"access_token": access_token, "claims": person})

    def ask(self, url: str, access_token: str, exchange: Exchange) -> Content:
        """The answer of userinfo, signed or not (OpenID Connect Core §5.3.2), with a usable subject.

        Raises ProviderRejected, ProviderUnavailable.
        """
        answer = exchange.ask(url, authorization=f"Bearer {access_token}")
        if answer.status != OK or not isinstance(answer.content, str):
            person = exchange.accepted(answer, url)
        else:
            person = signed_content(
                answer.content,
                discovery=self.discovery,
                exchange=exchange,
                refuse=lambda cause: exchange.not_understood(f"userinfo {cause}"),
            )
            audiences = person["aud"] if isinstance(person.get("aud"), list) else [person.get("aud")]
            if person.get("iss") != exchange.provider.issuer or not any(
                one in exchange.provider.client_ids for one in audiences
            ):
                raise exchange.not_understood("signed userinfo of another issuer, or for another client")
        exchange.subject(person.get("sub"))
        return person

"""GitHub: OAuth without OpenID. Its API tells the owner of an application whether a token was issued to it."""

from accounts.conf import Provider
from accounts.social.claims import ClaimsReader, Verified, is_true, text
from accounts.social.providers.authorization import STANDARD_PROMPTS, Prompt
from accounts.social.providers.client_authentication import basic
from accounts.social.providers.codes import AccessTokenOnly, CodeVerifier
from accounts.social.providers.discovery import Discovery
from accounts.social.providers.exchange import Exchange, is_refusal
from accounts.social.providers.http import Answer
from accounts.social.providers.provider import SocialProvider

FORBIDDEN = 403
NOT_FOUND = 404
UNPROCESSABLE = 422


def github(provider: Provider) -> SocialProvider:
    """Codes, which return access tokens, and access tokens."""
    discovery = Discovery(issuers=())
    access_tokens = TokenCheckVerifier()
    return SocialProvider(
        settings=provider,
        discovery=discovery,
        codes=CodeVerifier(discovery=discovery, tokens=AccessTokenOnly(access_tokens=access_tokens)),
        access_tokens=access_tokens,
        # https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
        prompts={Prompt.SELECT_ACCOUNT: STANDARD_PROMPTS[Prompt.SELECT_ACCOUNT]},
        is_refusal=is_github_refusal,
    )


class TokenCheckVerifier:
    """Verifies access tokens: https://docs.github.com/en/rest/apps/oauth-applications#check-a-token, then `/user`."""

    def verify(self, access_token: str, exchange: Exchange) -> Verified:
        """Check the token, then ask `/user` for its holder."""
        provider = exchange.provider
        client_id, api = provider.client_ids[0], provider.endpoints.api
        url = f"{api}/applications/{client_id}/token"
        answer = exchange.ask(
            url,
            method="POST",
            authorization=basic(client_id, provider.client_secret),
            content={"access_token": access_token},
        )
        if answer.status in {NOT_FOUND, UNPROCESSABLE}:
            raise exchange.rejected("unknown token, or issued to another application")
        check = exchange.content_of(answer, url)
        application, owner = check.get("app"), check.get("user")
        if not isinstance(application, dict) or not isinstance(owner, dict):
            raise exchange.not_understood(f"no application or user at {url}")
        if application.get("client_id") != client_id:
            exchange.refuse_foreign(application.get("client_id"))
        person = exchange.ask_as_bearer(f"{api}/user", token=access_token)
        number = person.get("id")
        if type(number) is not int or owner.get("id") != number:
            raise exchange.rejected("the check and /user name two people")
        email, verified = _primary_address(access_token, f"{api}/user/emails", exchange)
        claims = ClaimsReader().read({**person, "sub": str(number), "email": email, "email_verified": verified})
        return Verified(claims=claims, answer={"access_token": access_token, "claims": person})


def is_github_refusal(answer: Answer) -> bool:
    """Whether GitHub refuses the request. It says with 403 that it was asked too often."""
    return answer.status != FORBIDDEN and is_refusal(answer)


def _primary_address(access_token: str, url: str, exchange: Exchange) -> tuple[str, bool]:
    """The primary address and whether GitHub has verified it; none without the scope `user:email`."""
    answer = exchange.ask(url, authorization=f"Bearer {access_token}")
    if answer.status in {401, FORBIDDEN, NOT_FOUND}:
        return "", False
    for entry in exchange.content_of(answer, url, list):
        if isinstance(entry, dict) and entry.get("primary") is True:
            return text(entry.get("email")), is_true(entry.get("verified"))
    return "", False

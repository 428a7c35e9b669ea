"""The providers. Each verifies that a credential was issued for us before it looks at whose it is."""

import hashlib
import hmac
import logging
import re
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

from social_core.backends.base import BaseAuth
from social_core.backends.facebook import FacebookOAuth2
from social_core.backends.google import GoogleOAuth2

from accounts.conf import latchkey
from accounts.exceptions import CredentialNotSupported, ProviderRejected, ProviderUnavailable
from accounts.social.http import Answer, Deadline, NoAnswer, fetch

log = logging.getLogger("accounts.social")

ACCESS_TOKEN = ("credential", "access_token")
"""The field that an access token comes in."""
SUBJECT = re.compile(r"[ -~]{1,255}")
"""ASCII, as OpenID Connect Core §2 has it, and printable."""


@dataclass(frozen=True, kw_only=True)
class Claims:
    """What a provider vouches for, under OpenID's names whoever it is (OpenID Connect Core §5.1)."""

    sub: str
    email: str = ""
    email_verified: bool = False
    given_name: str = ""
    family_name: str = ""


class VerifyingBackend(BaseAuth[object]):
    """What our back ends have in common. One instance serves one sign-in.

    A back end of social-core's own that is not one of these takes the access token of any application (S28).
    """

    ID_KEY = "sub"
    aliases: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline = Deadline(seconds=latchkey().provider_timeout)

    @classmethod
    def configured(cls) -> bool:
        """Whether the settings say who we are to this provider."""
        raise NotImplementedError

    def verify_access_token(self, access_token: str) -> Claims:
        """What the provider says of the person, if the token was issued for us.

        Raises ProviderRejected, ProviderUnavailable; CredentialNotSupported where that cannot be known.
        """
        raise CredentialNotSupported(field=ACCESS_TOKEN)

    # The identity is (provider, sub), whatever the settings of social-core say (S31).

    def id_key(self) -> str:
        """Never the e-mail address."""
        return self.ID_KEY

    def get_user_id(self, details: dict[str, Any], response: dict[str, Any]) -> str:
        """The subject."""
        subject: str = response["sub"]
        return subject

    def get_legacy_user_identifiers(self, details: Any, response: Any) -> list[tuple[str, str]]:
        """None: social-core would look for Google's people by their address."""
        return []

    def get_user_details(self, response: dict[str, Any]) -> dict[str, Any]:
        """The claims, under Django's names."""
        return {
            "email": response["email"],
            "email_verified": response["email_verified"],
            "first_name": response["given_name"],
            "last_name": response["family_name"],
        }

    def auth_allowed(self, response: dict[str, Any], details: dict[str, Any]) -> bool:
        """By social-core's lists of addresses and domains, on which only a verified address counts (S32)."""
        known = details if details["email_verified"] else {**details, "email": ""}
        return super().auth_allowed(response, known)

    # Asking the provider.

    def request(self, *args: Any, **kwargs: Any) -> Any:
        """Closed: social-core's own requests have no limit on time in total or on size."""
        raise NotImplementedError("Use ask().")

    def ask(self, url: str, *, bearer: str, method: str = "GET", **parameters: str) -> dict[str, Any]:
        """What the provider answers. Raises ProviderRejected, ProviderUnavailable."""
        try:
            answer = fetch(
                f"{url}?{urlencode(parameters)}" if parameters else url,
                method=method,
                headers={"Authorization": f"Bearer {bearer}"},
                deadline=self._deadline,
                max_bytes=latchkey().provider_max_bytes,
            )
        except NoAnswer as cause:
            raise self.unavailable(f"{cause} at {url}") from None
        if self.refuses(answer):
            raise self.rejected(f"HTTP {answer.status} at {url}")
        if answer.status != 200:  # noqa: PLR2004 - HTTP
            raise self.unavailable(f"HTTP {answer.status} at {url}")
        return answer.content

    def refuses(self, answer: Answer) -> bool:
        """Whether the answer is a clean no, rather than trouble on the provider's side."""
        return answer.status in {400, 401, 403}

    def rejected(self, cause: str) -> ProviderRejected:
        """To be raised; the cause is for the log only."""
        log.info("%s rejected: %s", self.name, cause)
        return ProviderRejected(field=ACCESS_TOKEN)

    def unavailable(self, cause: str) -> ProviderUnavailable:
        """To be raised; the cause is for the log only."""
        log.warning("%s unavailable: %s", self.name, cause)
        return ProviderUnavailable()

    def subject(self, value: object) -> str:
        """The value, if it can be somebody's key. Raises ProviderUnavailable."""
        if isinstance(value, str) and SUBJECT.fullmatch(value):
            return value
        raise self.unavailable("answer without a subject")


class Google(VerifyingBackend, GoogleOAuth2[object]):
    """Google. Any application's token opens userinfo, so tokeninfo is asked first whom it is for."""

    name = "google-oauth2"
    aliases = ("google",)

    @classmethod
    def configured(cls) -> bool:
        """GOOGLE_CLIENT_IDS."""
        return bool(latchkey().google_client_ids)

    def verify_access_token(self, access_token: str) -> Claims:
        """See VerifyingBackend. Google's own client libraries ask in this way, with no token in a URL."""
        endpoints, ours = latchkey().provider_endpoints, latchkey().google_client_ids
        token = self.ask(endpoints.google_tokeninfo, bearer=access_token, method="POST")
        audience, party = token.get("aud"), token.get("azp", token.get("aud"))
        if audience not in ours or party not in ours:
            raise self.rejected(f"issued to {party!a:.100} for {audience!a:.100}")
        person = self.ask(endpoints.google_userinfo, bearer=access_token)
        subject = self.subject(person.get("sub"))
        if token.get("sub", subject) != subject:
            raise self.rejected("tokeninfo and userinfo speak of two people")
        return Claims(
            sub=subject,
            email=_text(person.get("email")),
            # Answers of Google's have either form.
            email_verified=person.get("email_verified") is True or person.get("email_verified") == "true",
            given_name=_text(person.get("given_name")),
            family_name=_text(person.get("family_name")),
        )


class Facebook(VerifyingBackend, FacebookOAuth2[object]):
    """Facebook. `debug_token` tells whom a token is for, to who shows the app's secret (S30)."""

    name = "facebook"
    rate_limits = frozenset({4, 17, 32, 613})
    """https://developers.facebook.com/docs/graph-api/overview/rate-limiting"""

    @classmethod
    def configured(cls) -> bool:
        """FACEBOOK_APP_ID and FACEBOOK_APP_SECRET."""
        return bool(latchkey().facebook_app_id and latchkey().facebook_app_secret)

    def verify_access_token(self, access_token: str) -> Claims:
        """See VerifyingBackend. Facebook wants `input_token` in the URL; no URL is logged with its query."""
        own = latchkey()
        graph = own.provider_endpoints.facebook_graph
        app_token = f"{own.facebook_app_id}|{own.facebook_app_secret}"
        token = self.ask(f"{graph}/debug_token", bearer=app_token, input_token=access_token).get("data")
        if not isinstance(token, dict):
            raise self.unavailable("debug_token without data")
        if token.get("is_valid") is not True:
            raise self.rejected("token not valid")
        if str(token.get("app_id")) != own.facebook_app_id:
            raise self.rejected(f"issued to {token.get('app_id')!a:.100}")
        proof = hmac.new(own.facebook_app_secret.encode(), access_token.encode(), hashlib.sha256).hexdigest()
        person = self.ask(
            f"{graph}/me", bearer=access_token, fields="id,first_name,last_name,email", appsecret_proof=proof
        )
        subject = self.subject(person.get("id"))
        if str(token.get("user_id")) != subject:
            raise self.rejected("debug_token and /me speak of two people")
        return Claims(
            sub=subject,
            email=_text(person.get("email")),
            # Facebook does not say whether it has verified an address: what is not said is not so (S32).
            email_verified=False,
            given_name=_text(person.get("first_name")),
            family_name=_text(person.get("last_name")),
        )

    def refuses(self, answer: Answer) -> bool:
        """Facebook says with the same statuses that it is busy."""
        error = answer.content.get("error")
        if isinstance(error, dict) and (error.get("is_transient") is True or error.get("code") in self.rate_limits):
            return False
        return super().refuses(answer)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""

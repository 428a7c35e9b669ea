"""What all providers have in common: claims, and how one is asked and answered."""

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import urlencode

from social_core.backends.base import BaseAuth
from social_core.strategy import BaseStrategy

from accounts.conf import Provider, latchkey
from accounts.exceptions import CredentialNotSupported, ProviderRejected, ProviderUnavailable
from accounts.social.credentials import FORM, AccessToken, AuthorizationCode, Credential, CredentialKind, IdToken
from accounts.social.http import Answer, Deadline, Limits, NoAnswer, fetch

log = logging.getLogger("accounts.social")

SUBJECT = re.compile(r"[ -~]{1,255}")
"""ASCII, as OpenID Connect Core §2 has it, and printable."""
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
OK = 200


@dataclass(frozen=True, kw_only=True)
class Claims:
    """What a provider vouches for, under OpenID's names whoever it is (OpenID Connect Core §5.1)."""

    sub: str
    email: str = ""
    email_verified: bool = False
    given_name: str = ""
    family_name: str = ""


@dataclass(frozen=True, kw_only=True)
class Verified:
    """A credential that was issued for us: whose it is, and what the provider gave for it."""

    claims: Claims
    answer: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Tokens and claims as the provider gave them. Never stored; `signals.social_signed_in` shows it once."""


class VerifyingBackend(BaseAuth[object]):
    """A provider, for one sign-in: verifies that a credential was issued for us before it looks at whose it is.

    A back end of social-core's own that is not one of these takes the access token of any application (S28).
    """

    ID_KEY = "sub"
    popup_redirect_uri = ""
    """What stands for a redirect URI where the provider hands a code to the page that opened its window."""

    def __init__(self, strategy: BaseStrategy[object], provider: Provider) -> None:
        self.name = provider.name
        self.provider = provider
        super().__init__(strategy)
        self._limits = Limits(
            deadline=Deadline(seconds=latchkey().provider_timeout),
            max_bytes=latchkey().provider_max_bytes,
            private=latchkey().private_providers,
        )
        self._kind = CredentialKind.ACCESS_TOKEN

    @property
    def kinds(self) -> tuple[CredentialKind, ...]:
        """The credentials that it takes as it is configured, best first."""
        raise NotImplementedError

    @property
    def nonce_required(self) -> bool:
        """Whether the ID tokens that a client presents need a nonce of ours; there may be none."""
        return self.provider.nonce_required and CredentialKind.ID_TOKEN in self.kinds

    def verify(self, credential: Credential) -> Verified:
        """What the provider says of the person, if the credential was issued for us.

        Raises CredentialNotSupported, ProviderRejected, ProviderUnavailable.
        """
        self._kind = credential.kind
        # Before anything goes out (S36).
        if not FORM.fullmatch(credential.value):
            raise self.rejected("empty, too long or not printable")
        if credential.kind is not CredentialKind.CODE and CredentialKind.ID_TOKEN in self.kinds:
            self.recognise(credential)
        if credential.kind not in self.kinds:
            raise CredentialNotSupported(field=self._field)
        match credential:
            case AccessToken():
                return self.verify_access_token(credential.value)
            case IdToken():
                return self.verify_id_token(credential.value, nonce=credential.nonce)
            case AuthorizationCode():
                return self.redeem(credential)

    def recognise(self, credential: Credential) -> None:
        """Refuse what came in the wrong field. Raises ProviderRejected."""

    def verify_access_token(self, access_token: str) -> Verified:
        """See `verify`: the provider is asked whom the token is for."""
        raise NotImplementedError

    def verify_id_token(self, id_token: str, *, nonce: str | None) -> Verified:
        """See `verify`: the token says whom it is for, and is signed."""
        raise NotImplementedError

    def redeem(self, code: AuthorizationCode) -> Verified:
        """See `verify`: only who has our secret or verifier gets tokens for the code, and they are for us."""
        raise NotImplementedError

    def authorization_url(self, *, redirect_uri: str, state: str, nonce: str, code_challenge: str, hint: str) -> str:
        """Where a person is asked whether we may know them. Raises CredentialNotSupported, ProviderUnavailable."""
        raise CredentialNotSupported(field=("provider",))

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

    def ask(
        self,
        url: str,
        *,
        method: str = "GET",
        authorization: str = "",
        form: Mapping[str, str] | None = None,
        content: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> Answer:
        """What the provider answers, whatever its status. Raises ProviderUnavailable."""
        headers, body = {}, None
        if authorization:
            headers["Authorization"] = authorization
        if form is not None:
            headers["Content-Type"], body = "application/x-www-form-urlencoded", urlencode(form).encode()
        elif content is not None:
            headers["Content-Type"], body = "application/json", json.dumps(content).encode()
        try:
            return fetch(
                f"{url}?{urlencode(parameters)}" if parameters else url,
                method=method,
                headers=headers,
                body=body,
                limits=self._limits,
            )
        except NoAnswer as cause:
            raise self.unavailable(f"{cause} at {url}") from None

    def told(self, answer: Answer, url: str) -> dict[str, Any]:
        """The object that a provider answered. Raises ProviderRejected for a clean no, else ProviderUnavailable."""
        if isinstance(answer.content, dict) and self.refuses(answer):
            raise self.rejected(f"HTTP {answer.status} at {url}")
        content: dict[str, Any] = self.content_of(answer, url)
        return content

    def content_of(self, answer: Answer, url: str, kind: type = dict) -> Any:
        """The JSON of a good answer, of this kind. Raises ProviderUnavailable."""
        if answer.status != OK or not isinstance(answer.content, kind):
            raise self.unavailable(f"HTTP {answer.status} without what was expected at {url}")
        return answer.content

    def ask_about(self, url: str, *, bearer: str, method: str = "GET", **parameters: str) -> dict[str, Any]:
        """What the provider says to the bearer of a token. Raises ProviderRejected, ProviderUnavailable."""
        return self.told(self.ask(url, method=method, authorization=f"Bearer {bearer}", parameters=parameters), url)

    def refuses(self, answer: Answer) -> bool:
        """Whether the answer is a clean no, rather than trouble on the provider's side."""
        return answer.status in {400, 401, 403}

    def rejected(
        self, cause: str, *, message: str | None = None, field: tuple[str, ...] | None = None
    ) -> ProviderRejected:
        """To be raised; the cause is for the log, and in development a hint. The field is the credential's, if none."""
        log.info("%s rejected: %s", self.name, cause)
        return ProviderRejected(message, field=field or self._field, hint=f"{self.name}: {cause}")

    def unavailable(self, cause: str) -> ProviderUnavailable:
        """To be raised; the cause is for the log, and in development a hint."""
        log.warning("%s unavailable: %s", self.name, cause)
        return ProviderUnavailable(hint=f"{self.name}: {cause}")

    def for_another(self, audience: object) -> NoReturn:
        """Refuse a credential of another application (S28). Raises ProviderRejected."""
        ours = ", ".join(self.provider.client_ids)
        raise self.rejected(f"issued to {audience!a:.200}, not to one of {ours}")

    def subject(self, value: object) -> str:
        """The value, if it can be somebody's key. Raises ProviderUnavailable."""
        if isinstance(value, str) and SUBJECT.fullmatch(value):
            return value
        raise self.unavailable("answer without a subject")

    @property
    def _field(self) -> tuple[str, ...]:
        return ("credential", self._kind.value)


def text(value: object) -> str:
    """The value, if it is text; a space for what no database takes (NUL, and half a surrogate pair)."""
    return UNSTORABLE.sub(" ", value) if isinstance(value, str) else ""


def is_true(value: object) -> bool:
    """Providers' answers have either form, and no other counts (S32)."""
    return value is True or value == "true"

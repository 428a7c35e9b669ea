"""A provider: its description, and the verifiers of the credentials that it takes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from accounts.conf import Provider
from accounts.social import refusals
from accounts.social.claims import Verified
from accounts.social.credentials import FORMS, AccessToken, AuthorizationCode, Credential, CredentialKind, IdToken
from accounts.social.errors import CredentialNotSupported
from accounts.social.providers.access_tokens import AccessTokenVerifier
from accounts.social.providers.authorization import STANDARD_PROMPTS, AuthorizationRequest, Prompts
from accounts.social.providers.codes import CodeVerifier
from accounts.social.providers.discovery import Discovery
from accounts.social.providers.exchange import Exchange, is_refusal
from accounts.social.providers.http import Answer
from accounts.social.providers.id_tokens import IdTokenVerifier, check_field, nonce_forms


@dataclass(frozen=True, kw_only=True)
class SocialProvider:
    """A provider as its settings describe it, composed of a verifier for each kind of credential that it takes.

    Building one asks nobody. Verifying a credential opens one Exchange, within which the provider is asked.
    """

    settings: Provider
    discovery: Discovery
    id_tokens: IdTokenVerifier | None = None
    codes: CodeVerifier | None = None
    access_tokens: AccessTokenVerifier | None = None
    preference: tuple[CredentialKind, ...] = (CredentialKind.ID_TOKEN, CredentialKind.CODE, CredentialKind.ACCESS_TOKEN)
    """All kinds, best first."""
    prompts: Prompts = field(default_factory=lambda: STANDARD_PROMPTS)
    authorization_parameters: Mapping[str, str] = field(default_factory=dict)
    """Parameters of authorization requests that only this provider needs."""
    popup_redirect_uri: str = ""
    """Stands for the redirect URI if the provider passes the code to the page that opened its popup."""
    is_refusal: Callable[[Answer], bool] = is_refusal

    @property
    def name(self) -> str:
        """The name that clients send, and that is stored with each identity."""
        return self.settings.name

    @property
    def kinds(self) -> tuple[CredentialKind, ...]:
        """The credentials that it takes as it is configured, best first."""
        verifiers = {
            CredentialKind.ID_TOKEN: self.id_tokens,
            CredentialKind.CODE: self.codes,
            CredentialKind.ACCESS_TOKEN: self.access_tokens,
        }
        return tuple(kind for kind in self.preference if verifiers[kind])

    @property
    def nonce_required(self) -> bool:
        """Whether the ID tokens that a client presents need a nonce of ours."""
        return self.settings.nonce_required and self.id_tokens is not None

    def verify(self, credential: Credential) -> Verified:
        """Verify that a credential was issued for us; return its holder.

        Raises CredentialNotSupported, ProviderRejected, ProviderUnavailable.
        """
        field = ("credential", credential.kind.value)
        # Before anything goes out (S36).
        if not FORMS[credential.kind].fullmatch(credential.value):
            raise refusals.rejected(self.name, "empty, too long or not printable", field=field)
        if self.id_tokens and credential.kind is not CredentialKind.CODE:
            check_field(credential, provider=self.name)
        with self._exchange(field) as exchange:
            match credential:
                case AccessToken() if self.access_tokens:
                    return self.access_tokens.verify(credential.value, exchange)
                case IdToken() if self.id_tokens:
                    return self.id_tokens.verify(
                        credential.value, nonces=nonce_forms(credential.nonce), exchange=exchange
                    )
                case AuthorizationCode() if self.codes:
                    return self.codes.verify(credential, exchange)
        raise CredentialNotSupported(field=field)

    def authorization_url(self, request: AuthorizationRequest) -> str:
        """The URL at which a person is asked whether we may know them. Raises ProviderUnavailable."""
        with self._exchange(("provider",)) as exchange:
            endpoint = self.discovery.endpoint("authorization", exchange)
        prompt = self.prompts.get(request.prompt, {}) if request.prompt else {}
        return request.url(endpoint, self.settings, {**prompt, **self.authorization_parameters})

    def _exchange(self, field: tuple[str, ...]) -> Exchange:
        return Exchange(self.settings, field=field, is_refusal=self.is_refusal)

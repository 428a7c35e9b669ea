"""The API as tests speak it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from accounts.people.models import Account

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer of `/graphql`."""

    status: int
    body: dict[str, Any]
    headers: Any

    @property
    def data(self) -> Any:
        """The data; fails the test if there are top-level errors."""
        assert "errors" not in self.body, self.body
        return self.body["data"]

    @property
    def codes(self) -> list[str]:
        """The codes of the top-level errors."""
        return [error["extensions"]["code"] for error in self.body.get("errors", [])]


GraphQL = Callable[..., Answer]

CHALLENGE = """
  challenge {
    __typename token expiresIn
    ... on LinkChallenge { provider email signInMethods }
    ... on ProfileChallenge { missing suggestion { email username firstName lastName } }
  }
"""
AUTH_PAYLOAD = """
  tokens { accessToken tokenType expiresIn scope refreshToken refreshTokenExpiresIn }
  account { id email }
  isNewAccount
  errors { code field message }
"""
REGISTER = f"mutation ($input: RegisterInput!) {{ register(input: $input) {{ {AUTH_PAYLOAD} }} }}"
TOKEN_AUTH = f"mutation ($input: TokenAuthInput!) {{ tokenAuth(input: $input) {{ {AUTH_PAYLOAD} }} }}"
REFRESH = f"mutation ($input: RefreshTokenInput) {{ refreshToken(input: $input) {{ {AUTH_PAYLOAD} }} }}"
CONVERT = (
    "mutation ($input: ConvertSocialTokenInput!)"
    f" {{ convertSocialToken(input: $input) {{ {AUTH_PAYLOAD} {CHALLENGE} }} }}"
)
ANSWER_PROFILE = (
    "mutation ($input: AnswerProfileChallengeInput!)"
    f" {{ answerProfileChallenge(input: $input) {{ {AUTH_PAYLOAD} {CHALLENGE} }} }}"
)
AUTH_URL = """
mutation ($input: CreateSocialAuthUrlInput!) {
  createSocialAuthUrl(input: $input) { authorization { url flow expiresIn } errors { code field message } }
}
"""
NONCE = """
mutation ($input: CreateSocialNonceInput!) {
  createSocialNonce(input: $input) { nonce { value expiresIn } errors { code field message } }
}
"""
SOCIAL_ACCOUNTS = "socialAccounts { id provider label email createdAt lastUsedAt }"
LINK = f"""
mutation ($input: LinkSocialAccountInput!) {{
  linkSocialAccount(input: $input) {{
    socialAccount {{ id provider label email }} account {{ id {SOCIAL_ACCOUNTS} }} errors {{ code field message }}
  }}
}}
"""
UNLINK = f"""
mutation ($input: UnlinkSocialAccountInput!) {{
  unlinkSocialAccount(input: $input) {{
    deletedSocialAccountId account {{ id {SOCIAL_ACCOUNTS} }} errors {{ code field message }}
  }}
}}
"""
REVOKE = "mutation ($input: RevokeTokenInput) { revokeToken(input: $input) { errors { code field message } } }"
CHANGE_PASSWORD = (
    "mutation ($input: ChangePasswordInput!)"
    " { changePassword(input: $input) { account { id hasPassword } errors { code field message } } }"
)
ME = "{ me { id email } }"


def refusals(payload: dict[str, Any]) -> list[tuple[str, list[str] | None]]:
    """The codes and fields of a payload's errors."""
    return [(error["code"], error["field"]) for error in payload["errors"]]


def codes(payload: dict[str, Any]) -> list[str]:
    """The codes of a payload's errors."""
    return [error["code"] for error in payload["errors"]]


@dataclass(frozen=True)
class SignedIn:
    """An account and the tokens of its session."""

    account: "Account"
    access_token: str
    refresh_token: str


SignIn = Callable[..., SignedIn]

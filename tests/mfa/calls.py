"""Calls about second factors."""

from typing import Any

from accounts.people.models import Account
from tests.api import AUTH_PAYLOAD, PASSWORD, TOKEN_AUTH, GraphQL, SignedIn
from tests.factories import make_account
from tests.mfa.enrolled import code_of, with_app

STEP = (
    "challenge { __typename token expiresIn ... on MfaChallenge { methods } ... on MfaEnrollmentChallenge { methods } }"
)
SIGN_IN = TOKEN_AUTH.replace("errors {", f"{STEP} errors {{")
ANSWER = (
    f"mutation ($input: AnswerMfaChallengeInput!) {{ answerMfaChallenge(input: $input) {{ {AUTH_PAYLOAD} {STEP} }} }}"
)
FINISH = (
    "mutation ($input: AnswerMfaEnrollmentChallengeInput!)"
    f" {{ answerMfaEnrollmentChallenge(input: $input) {{ {AUTH_PAYLOAD} {STEP} }} }}"
)
CREATE = """
mutation ($input: CreateTotpEnrollmentInput) {
  createTotpEnrollment(input: $input) {
    enrollment { token expiresIn secret uri } errors { code field message retryAfter }
  }
}
"""
MFA = "mfa { enabled methods recoveryCodesRemaining }"
CONFIRM = f"""
mutation ($input: ConfirmTotpEnrollmentInput!) {{
  confirmTotpEnrollment(input: $input) {{
    recoveryCodes account {{ id {MFA} }} errors {{ code field message retryAfter }}
  }}
}}
"""
DISABLE = f"mutation {{ disableTotp {{ account {{ id {MFA} }} errors {{ code field message }} }} }}"
REGENERATE = f"""
mutation {{ regenerateRecoveryCodes {{ recoveryCodes account {{ id {MFA} }} errors {{ code field message }} }} }}
"""


def holder(**fields: Any) -> tuple[Account, str]:
    """Somebody with an authenticator app, and its secret."""
    account = make_account(email_verified=True, **fields)
    return account, with_app(account)


def shown_password(graphql: GraphQL, account: Account, **more: Any) -> Any:
    """The payload of a sign-in with the password."""
    given = {"email": account.email, "password": PASSWORD, **more}
    return graphql(SIGN_IN, input=given).data["tokenAuth"]


def challenge(graphql: GraphQL, account: Account, **more: Any) -> str:
    """The token of the challenge that follows the password."""
    return str(shown_password(graphql, account, **more)["challenge"]["token"])


def answer(graphql: GraphQL, token: str, **factor: Any) -> Any:
    """The payload of an answer: `answer(graphql, token, totpCode=…)`."""
    return graphql(ANSWER, input={"challengeToken": token, "factor": factor}).data["answerMfaChallenge"]


def finish(graphql: GraphQL, token: str) -> Any:
    """The payload after a factor was set up."""
    return graphql(FINISH, input={"challengeToken": token}).data["answerMfaEnrollmentChallenge"]


def create(graphql: GraphQL, *, bearer: str | None = None, token: str | None = None) -> Any:
    """The payload of a new enrolment, for who is signed in or for a challenge."""
    given = {"input": {"challengeToken": token}} if token else {}
    return graphql(CREATE, token=bearer, **given).data["createTotpEnrollment"]


def confirm(graphql: GraphQL, enrollment: Any, *, bearer: str | None = None, code: str | None = None) -> Any:
    """The payload of a code; by default of the app that was just set up."""
    given = {"challengeToken": enrollment["token"], "code": code or code_of(enrollment["secret"])}
    return graphql(CONFIRM, token=bearer, input=given).data["confirmTotpEnrollment"]


def signed_in_with_app(graphql: GraphQL) -> tuple[SignedIn, str]:
    """Somebody who has signed in with a code of their app, and its secret."""
    account, secret = holder()
    tokens = answer(graphql, challenge(graphql, account), totpCode=code_of(secret))["tokens"]
    return SignedIn(account, tokens["accessToken"], tokens["refreshToken"]), secret

"""GitHub's OAuth and the three endpoints of its API that sign-in needs, in their published shapes.

https://docs.github.com/en/rest/apps/oauth-applications#check-a-token, …/users/users, …/users/emails
"""

import base64
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from tests.providers.issuer import Reply, proves

GITHUB_CLIENT = "Iv1.0123456789abcdef"
GITHUB_SECRET = "github-secret"


@dataclass
class GitHub:
    """Its people, by the access tokens they have given."""

    people: dict[str, tuple[str, dict[str, Any], list[dict[str, Any]] | None]] = field(default_factory=dict)
    codes: dict[str, tuple[str, str, str | None]] = field(default_factory=dict)

    def token(
        self,
        *,
        client: str = GITHUB_CLIENT,
        emails: list[dict[str, Any]] | bool | None = True,
        email: str = "ada@example.com",
        verified: bool = True,
        **person: Any,
    ) -> str:
        """A new access token; with `emails` None it lacks the scope to read them."""
        if emails is True:
            emails = [
                {"email": "other@example.com", "primary": False, "verified": True, "visibility": None},
                {"email": email, "primary": True, "verified": verified, "visibility": "private"},
            ]
        token = f"gho_{secrets.token_urlsafe(24)}"
        user = {"login": "ada", "id": 583231, "name": "Ada King Lovelace", "email": None, "type": "User", **person}
        self.people[token] = (client, user, emails or None)
        return token

    def code(self, *, redirect_uri: str, code_challenge: str | None = None, **person: Any) -> str:
        """As the redirect would bring it."""
        code = secrets.token_hex(10)
        self.codes[code] = (self.token(**person), redirect_uri, code_challenge)
        return code

    def answer(self, endpoint: str, asked: Any) -> Reply:
        """To a request below `/github`."""
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        match asked.method, endpoint:
            case "POST", "login/oauth/access_token":
                return self._exchange(asked.form)
            case "POST", _ if endpoint == f"api/applications/{GITHUB_CLIENT}/token":
                return self._check(asked)
            case "GET", ("api/user" | "api/user/emails"):
                if token not in self.people:
                    return 401, {"message": "Bad credentials", "status": "401"}
                _client, user, emails = self.people[token]
                if endpoint == "api/user":
                    return 200, user
                return (404, {"message": "Not Found", "status": "404"}) if emails is None else (200, emails)
        return 404, {"message": "Not Found"}

    def _exchange(self, form: dict[str, str]) -> Reply:
        """GitHub says no with 200."""
        if (form.get("client_id"), form.get("client_secret")) != (GITHUB_CLIENT, GITHUB_SECRET):
            return 200, {"error": "incorrect_client_credentials"}
        token, redirect_uri, challenge = self.codes.pop(form.get("code", ""), (None, "", None))
        proven = proves(challenge, form)
        if token is None or form.get("redirect_uri") != redirect_uri or not proven:
            return 200, {"error": "bad_verification_code"}
        return 200, {"access_token": token, "scope": "read:user,user:email", "token_type": "bearer"}

    def _check(self, asked: Any) -> Reply:
        expected = base64.b64encode(f"{GITHUB_CLIENT}:{GITHUB_SECRET}".encode()).decode()
        if asked.headers.get("authorization") != f"Basic {expected}":
            return 401, {"message": "Requires authentication"}
        try:
            token = json.loads(asked.body)["access_token"]
        except (ValueError, KeyError, TypeError):
            return 422, {"message": "Validation Failed"}
        client, user, _emails = self.people.get(token, (None, {}, None))
        if client != GITHUB_CLIENT:
            return 404, {"message": "Not Found"}
        owner = {"login": user["login"], "id": user["id"]}
        return 200, {"id": 1, "token": "", "app": {"name": "Latchkey", "client_id": client}, "user": owner}

"""Opaque OAuth 2 tokens on django-oauth-toolkit's models: issue, refresh, revoke, authenticate.

The one place that knows DOT and oauthlib. Everything runs on the same server object as `/o/token/`
(`server.py`), so that a token may be issued by GraphQL and refreshed by REST, or the reverse.
"""

from oauth2_provider.models import get_access_token_model, get_refresh_token_model

from accounts.tokens.bearer import Bearer, authenticate, hint_for, locked_account, presented_token
from accounts.tokens.cleaning import CLEARING
from accounts.tokens.clients import ClientGrant, authorize_client, known_client, renewed_grant
from accounts.tokens.pairs import (
    Refreshed,
    TokenSet,
    end_session,
    issue,
    refresh,
    revoke,
)

AccessToken = get_access_token_model()
RefreshToken = get_refresh_token_model()

__all__ = [
    "CLEARING",
    "AccessToken",
    "Bearer",
    "ClientGrant",
    "RefreshToken",
    "Refreshed",
    "TokenSet",
    "authenticate",
    "authorize_client",
    "end_session",
    "hint_for",
    "issue",
    "known_client",
    "locked_account",
    "presented_token",
    "refresh",
    "renewed_grant",
    "revoke",
]

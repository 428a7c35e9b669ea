"""How we authenticate to a provider's endpoints (RFC 6749 §2.3.1, OpenID Connect Core §9)."""

import base64
from urllib.parse import quote

from accounts.conf import Provider


def client_credentials(provider: Provider, client_id: str, secret: str) -> tuple[str, dict[str, str]]:
    """The Authorization header and the form fields. The secret belongs to the first of our client ids."""
    if not secret or client_id != provider.client_ids[0]:
        return "", {"client_id": client_id}
    if provider.token_auth_method == "client_secret_basic":  # noqa: S105 - a method
        return basic(quote(client_id, safe=""), quote(secret, safe="")), {}
    return "", {"client_id": client_id, "client_secret": secret}


def basic(username: str, password: str) -> str:
    """The Authorization header of RFC 7617."""
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"

"""The sessions of an account."""

from oauth2_provider.models import get_refresh_token_model

from accounts.tokens.bearer import Bearer
from accounts.tokens.models import Session

RefreshToken = get_refresh_token_model()


def session_of(bearer: Bearer) -> Session | None:
    """The session that the access token belongs to; None if it ended just now, or if the token never had one.

    Found on demand, by one statement: most requests do not need it.
    """
    families = RefreshToken.objects.filter(access_token=bearer.token_id).values("token_family")
    return Session.objects.filter(token_family__in=families, account=bearer.account.pk).first()

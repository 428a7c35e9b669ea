"""How long ago the holder of a session proved who they are, and which changes need that to be recent."""

from accounts.tokens.bearer import Bearer


def require_recent_proof(bearer: Bearer) -> None:
    """Refuse a sensitive change in a session whose holder has not proved lately who they are (S88).

    The one place of that rule. Raises ReauthenticationRequired.
    """

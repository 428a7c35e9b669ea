"""Create an account with e-mail and password, and sign it in."""

from django.db import transaction

from accounts import bearer_tokens
from accounts.bearer_tokens import ClientGrant, TokenSet
from accounts.caller import Caller
from accounts.forms import RegistrationForm, store, validated
from accounts.models import Account


def register(
    *,
    email: str,
    username: str,
    first_name: str,
    last_name: str,
    password: str,
    grant: ClientGrant,
    caller: Caller,
) -> tuple[Account, TokenSet]:
    """The new account and its first tokens. Raises ValidationFailed with every failure of every field."""
    form = RegistrationForm(
        {
            "email": email,
            "username": username,
            "first_name": first_name,
            "last_name": last_name,
            "password": password,
        }
    )
    account = validated(form)
    with transaction.atomic():
        store(form, account)
        return account, bearer_tokens.issue(account=account, grant=grant, caller=caller)

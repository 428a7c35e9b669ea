"""Create an account with e-mail and password, and sign it in."""

from django.db import transaction

from accounts.errors import ValidationFailed
from accounts.guard import events, hashing
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.passwords.forms import RegistrationForm
from accounts.people.attempts import attempt
from accounts.people.forms import failures, store, validated
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.shared.texts import canonical_email
from accounts.tokens import api as bearer_tokens
from accounts.tokens.api import ClientGrant, TokenSet
from accounts.tokens.models import AuthenticationMethod


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
    """Create an account and issue its first tokens.

    Raises ValidationFailed with all failures of all fields; RateLimited.
    """
    end_user, client = grant.end_user(caller), grant.client.client_id
    with attempt(
        Action.REGISTER, EventType.REGISTER_FAILED, address=canonical_email(email), caller=end_user, client=client
    ):
        form = RegistrationForm(
            {
                "email": email,
                "username": username,
                "first_name": first_name,
                "last_name": last_name,
                "password": password,
            }
        )
        # Before a slot is waited for: what is wrong costs no hash.
        if not form.is_valid():
            raise ValidationFailed(failures(form))
        with hashing.slot():
            account = validated(form)
        with transaction.atomic():
            store(form, account)
            events.record(EventType.REGISTERED, subject=account.pk, actor=account.pk, client=client, caller=end_user)
            return account, bearer_tokens.issue(
                account=account, grant=grant, caller=caller, methods=(AuthenticationMethod.PASSWORD,)
            )

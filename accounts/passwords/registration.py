"""Create an account with e-mail and password, and sign it in; or let it wait until its address is confirmed."""

from accounts.challenges.transactions import keeping_steps
from accounts.conf import latchkey
from accounts.errors import ValidationFailed
from accounts.guard import events, hashing, limits
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.mails.locale import of_request
from accounts.passwords.forms import PendingForm, RegistrationForm
from accounts.people.attempts import attempt
from accounts.people.forms import failures, store, validated
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.shared.texts import canonical_email
from accounts.tokens import api as bearer_tokens
from accounts.tokens.api import ClientGrant, TokenSet
from accounts.tokens.models import AuthenticationMethod
from accounts.verification import pending, sending
from accounts.verification.errors import RegistrationClosed


def register(
    *,
    email: str,
    username: str,
    first_name: str,
    last_name: str,
    password: str,
    locale: str,
    grant: ClientGrant,
    caller: Caller,
) -> tuple[Account, TokenSet]:
    """Create an account, queue the mail that confirms its address, and issue its first tokens.

    Where the confirmation is mandatory, no account is created: raises EmailVerificationRequired with its challenge, for
    a taken address alike (S3, S61).

    An empty `locale` stands for the language of the request. Raises RegistrationClosed; ValidationFailed with all
    failures of all fields; RateLimited.
    """
    if not latchkey().registration_open:
        raise RegistrationClosed
    end_user, client = grant.end_user(caller), grant.client.client_id
    with attempt(
        Action.REGISTER, EventType.REGISTER_FAILED, address=canonical_email(email), caller=end_user, client=client
    ):
        form = (PendingForm if pending.is_mandatory() else RegistrationForm)(
            {
                "email": email,
                "username": username,
                "first_name": first_name,
                "last_name": last_name,
                "password": password,
                "locale": locale or of_request(),
            }
        )
        # Before a slot is waited for: what is wrong costs no hash.
        if not form.is_valid():
            raise ValidationFailed(failures(form))
        if pending.is_mandatory():
            # Raised within the attempts: a success would make the caller's address one of the account's holder.
            with limits.attempt(Action.MAIL, account=form.instance.email, caller=end_user, client=client):
                with hashing.slot():
                    account = validated(form)
                raise pending.begin(account, grant=grant)
        with hashing.slot():
            account = validated(form)
        with keeping_steps():
            store(form, account)
            events.record(EventType.REGISTERED, subject=account.pk, actor=account.pk, client=client, caller=end_user)
            sending.mail_new(account, client_key=grant.client.pk)
            return account, bearer_tokens.issue(
                account=account, grant=grant, caller=caller, methods=(AuthenticationMethod.PASSWORD,), is_new=True
            )

"""Replace the recovery codes."""

from django.db import transaction

from accounts.factors.errors import MfaNotEnabled
from accounts.factors.forgetting import forget_browsers
from accounts.factors.state import factors_of
from accounts.mails import notices
from accounts.mails.templates import Template
from accounts.mfa import enrolling
from accounts.mfa.authenticator_app import SetUp
from accounts.shared.caller import Caller
from accounts.tokens.api import Bearer, locked_account
from accounts.tokens.proof import require_recent_proof


def regenerate(*, bearer: Bearer, caller: Caller) -> SetUp:
    """Make new recovery codes; the old ones are void. The holder is told.

    Raises ReauthenticationRequired, MfaNotEnabled; InvalidToken if the session has ended meanwhile.
    """
    with enrolling.changing(bearer, caller):
        require_recent_proof(bearer)
        with transaction.atomic():
            account = locked_account(bearer)
            if not factors_of(account).enabled:
                raise MfaNotEnabled
            codes = enrolling.made_codes(account)
            # Whoever had one of the old codes may have had a browser remembered with it.
            forget_browsers(accounts=[account.pk])
            notices.tell(account, Template.RECOVERY_CODES_MADE, client_key=bearer.client_id)
            return SetUp(account=account, recovery_codes=codes)

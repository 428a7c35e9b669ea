"""Everything that the tables hold about a person, for that person."""

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils import timezone

from accounts.guard import events, limits
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.leaving.holdings import HOLDINGS
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.tokens import api as bearer_tokens
from accounts.tokens.api import Bearer
from accounts.tokens.proof import require_recent_proof

MOST_ROWS = 10_000
"""Of each table, the newest."""

Data = dict[str, Any]
"""A JSON object."""


def export_account(*, bearer: Bearer, caller: Caller) -> Data:
    """The data of the bearer's account. Raises ReauthenticationRequired, RateLimited; InvalidToken."""
    key, client = bearer.account.pk, bearer.client_name
    with events.failures(EventType.EXPORT_FAILED, subject=lambda: key, client=client, caller=caller):
        require_recent_proof(bearer)
        with limits.attempt(Action.EXPORT, account=str(key), caller=caller, client=client), transaction.atomic():
            data = data_of(bearer_tokens.locked_account(bearer))
            events.record(EventType.EXPORTED, subject=key, actor=key, client=client, caller=caller)
            return data


def data_of(account: Account) -> Data:
    """The newest rows of each table: columns without secrets, instants in UTC, other tables' rows by their names.

    `truncated` lists the tables that have more rows than `most_rows`.
    """
    data: Data = {"exported_at": timezone.now(), "most_rows": MOST_ROWS, "truncated": []}
    for holding in HOLDINGS:
        found = holding.of(account).order_by(f"-{holding.newest}", "-pk").values(*holding.exported)
        rows = list(found[: MOST_ROWS + 1])
        if len(rows) > MOST_ROWS:
            data["truncated"].append(holding.name)
        data[holding.name] = rows[:MOST_ROWS]
    (data["account"],) = data["account"]
    plain: Data = json.loads(json.dumps(data, cls=DjangoJSONEncoder))
    return plain

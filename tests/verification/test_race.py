"""What happens to a registration at the same moment, over HTTP: each call succeeds or is refused, none is a 5xx."""

import json
from collections import Counter
from functools import partial
from typing import Any

from accounts.mails.models import Purpose
from tests.api import PASSWORD
from tests.e2e.test_refresh_race import at_once
from tests.live import UNLIMITED, Live, serving
from tests.verification.calls import ANSWER, NEW, REGISTER, RESEND, VERIFY

DISOWN = "mutation ($input: MailedTokenInput!) { disownRegistration(input: $input) { errors { code field message } } }"
ROUNDS = 12
READ = f"""
import json
from accounts.mails import codes
from accounts.mails.models import MailedCode
found = MailedCode.objects.filter(purpose="{Purpose.VERIFY}").order_by("created_at")
print(json.dumps([[code.email, codes.typed_code(code), codes.link_token(code)] for code in found]))
"""


def post(live: Live, query: str, **given: Any) -> Any:
    """The payload of a mutation, which is never a server error."""
    status, body = live.post(query, input=given)
    assert status == 200, body
    assert body.get("data"), body
    [payload] = body["data"].values()
    return payload


def test_a_registration_is_answered_pressed_or_disowned_once(tmp_path):
    """S4, S8, S85: whatever comes first decides, and nobody waits for each other for good."""
    with serving(tmp_path, WORKERS="4", THREADS="8", EMAIL_VERIFICATION="mandatory", **UNLIMITED) as live:
        people = {f"person{number}@example.com": f"person{number}" for number in range(ROUNDS)}
        challenges = {
            email: post(live, REGISTER, email=email, username=name, firstName="Ada", password=PASSWORD)["challenge"]
            for email, name in people.items()
        }
        for email in people:
            post(live, RESEND, email=email)
        mailed: dict[str, list[list[str]]] = {email: [] for email in people}
        for email, code, link in json.loads(live.manage("shell", "--no-imports", "-c", READ)):
            mailed[email].append([code, link])

        for email, ((_old, old_link), (code, link)) in mailed.items():
            token = challenges[email]["token"]
            answer = partial(post, live, ANSWER, challengeToken=token, code=code)
            own = partial(post, live, VERIFY, link={"token": old_link, "challengeToken": token})
            other = partial(post, live, VERIFY, link={"token": link, "newPassword": NEW})
            disown = partial(post, live, DISOWN, token=old_link)
            payloads = at_once(answer, disown, own, other, answer, disown, partial(post, live, RESEND, email=email))

            outcomes = Counter(error["code"] for payload in payloads for error in payload["errors"])
            assert outcomes.total() == 5, payloads
            assert set(outcomes) <= {"EXPIRED_CODE", "INVALID_CHALLENGE", "INVALID_CODE"}

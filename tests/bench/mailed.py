"""Whether the time of an answer tells known addresses from unknown ones (S2, S3, S11): `python -m tests.bench.mailed`.

For each mutation that mails to an address that is named: SAMPLES requests for known and as many for unknown addresses,
in pairs of random order, each address once, as a client on the same machine sees them. Then a rank test (Mann-Whitney):
p is the probability of such a difference, or a larger one, by chance alone. Of many comparisons some fall below 0.05 by
chance; one that tells addresses apart does so each time. Database and cache are those of DATABASE_URL and CACHE_URL
(PostgreSQL and Redis for claims); the machine should have nothing else to do.
"""

import json
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.api import PASSWORD, TOKEN_AUTH
from tests.bench.storm import Connection
from tests.live import UNLIMITED, Live, serving

SAMPLES = 200
WARM_UP = 20
PEOPLE = """
from accounts.people.models import Account
Account.objects.bulk_create(
    Account(email=f"{name}-{kind}-{n}@example.com", username=f"{name}-{kind}-{n}", username_key=f"{name}-{kind}-{n}",
            first_name="P", email_verified=kind == "verified", password="!")
    for name in %r for kind in ("verified", "unverified") for n in range(%d)
)
Account.objects.create_user(%r, %r, username="holder", first_name="H", email_verified=True)
"""
HOLDER = "holder@example.com"


@dataclass(frozen=True)
class Journey:
    """A mutation that mails to an address."""

    mutation: str
    known: str = "verified"
    """Which accounts it mails to: those whose address is verified, or the others."""
    input: Callable[[str], dict[str, Any]] = lambda email: {"email": email}
    signed_in: bool = False
    """Whether it needs an account, which is always the same one."""

    @property
    def document(self) -> str:
        """Its operation."""
        argument = self.mutation[0].upper() + self.mutation[1:] + "Input!"
        return f"mutation ($input: {argument}) {{ {self.mutation}(input: $input) {{ errors {{ code }} }} }}"


def registration(email: str) -> dict[str, Any]:
    """A new account; its username is free."""
    name = email.partition("@")[0]
    return {"email": email, "username": f"new-{name}", "firstName": "Ada", "password": PASSWORD}


JOURNEYS = [
    Journey("requestLoginCode"),
    Journey("requestPasswordReset"),
    Journey("resendVerification", known="unverified"),
    Journey("register", input=registration),
    Journey("requestEmailChange", input=lambda email: {"newEmail": email}, signed_in=True),
]


def rank_test(one: Sequence[float], other: Sequence[float]) -> float:
    """The two-sided p of the Mann-Whitney U test, by its normal approximation, with the correction for ties."""
    together = sorted([*one, *other])
    counts = Counter(together)
    ranks: dict[float, float] = {}
    below = 0
    for value in sorted(counts):
        ranks[value] = below + (counts[value] + 1) / 2
        below += counts[value]
    n, m, total = len(one), len(other), len(together)
    u = sum(ranks[value] for value in one) - n * (n + 1) / 2
    ties = sum(count**3 - count for count in counts.values()) / (total * (total - 1))
    deviation = (n * m / 12 * (total + 1 - ties)) ** 0.5
    if not deviation:
        return 1.0
    # Continuity correction: U has whole steps.
    z = max(0.0, abs(u - n * m / 2) - 0.5) / deviation
    return 2 * (1 - statistics.NormalDist().cdf(z))


def sampled(live: Live, journey: Journey) -> dict[str, list[float]] | None:
    """Milliseconds of each answer, for known and for unknown addresses; None if the answers differ already."""
    connection = Connection(live.url)
    headers = {"Authorization": f"Bearer {access_token(live)}"} if journey.signed_in else {}
    times: dict[str, list[float]] = {"known": [], "unknown": []}
    answers = set()
    for number in range(WARM_UP + SAMPLES):
        kinds = {"known": journey.known, "unknown": "nobody"}
        for kind in random.sample(sorted(kinds), 2):
            email = f"{journey.mutation.lower()}-{kinds[kind]}-{number}@example.com"
            body = json.dumps({"query": journey.document, "variables": {"input": journey.input(email)}})
            begun = time.perf_counter()
            data = connection.post(body, **headers)
            times[kind].append((time.perf_counter() - begun) * 1000)
            answers.add(json.dumps(data))
    return {kind: values[WARM_UP:] for kind, values in times.items()} if len(answers) == 1 else None


def access_token(live: Live) -> str:
    """That of a fresh session."""
    payload = live.post(TOKEN_AUTH, input={"email": HOLDER, "password": PASSWORD})[1]["data"]["tokenAuth"]
    return str(payload["tokens"]["accessToken"])


def main() -> None:
    """Print a line for each journey."""
    settings = {**UNLIMITED, "WORKERS": "1", "EMAIL_VERIFICATION": "mandatory", "SIGN_IN_BY_MAIL": "on"}
    with tempfile.TemporaryDirectory() as directory, serving(Path(directory), **settings) as live:
        names = [journey.mutation.lower() for journey in JOURNEYS]
        live.manage("shell", "--no-imports", "-c", PEOPLE % (names, WARM_UP + SAMPLES, HOLDER, PASSWORD))
        for journey in JOURNEYS:
            times = sampled(live, journey)
            if times is None:
                print(f"{journey.mutation:22} TELLS known addresses from unknown ones by its answer")
                continue
            medians = {kind: statistics.median(values) for kind, values in times.items()}
            print(
                f"{journey.mutation:22} known {medians['known']:7.2f} ms   unknown {medians['unknown']:7.2f} ms"
                f"   p {rank_test(times['known'], times['unknown']):.3f}   ({SAMPLES} × each)",
                flush=True,
            )


if __name__ == "__main__":
    main()

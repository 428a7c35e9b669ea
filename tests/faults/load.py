"""Clients that use the service through a proxy without pause, and remember how each call ended.

Each behaves as a good client does: it keeps its session alive with the refresh token, repeats a call that failed on the
way with the same values, and signs in again only when its session has ended. What it must never see is the end of a
session that nobody ended.
"""

import http.client
import json
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tests.api import ME, REFRESH, REGISTER, REVOKE, TOKEN_AUTH
from tests.faults.people import person

USERS = "{ users(first: 5) { edges { node { id username } } } }"
PAUSE = 0.1
"""Seconds before a call is repeated. Shorter than Retry-After says: the gaps are measured with it."""
TIMEOUT = 30
OK = "ok"
STALE = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError, ssl.SSLEOFError)
"""How a kept connection fails that the other side has closed meanwhile."""


@dataclass(frozen=True)
class Call:
    """One call of a client's."""

    name: str
    began: float
    ended: float
    outcome: str
    """OK, the status, the code of an error, or the class of the exception."""
    retry_after: bool = False


@dataclass
class Record:
    """What the clients saw."""

    calls: list[Call] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    """How each lost session ended."""
    sent_again: list[str] = field(default_factory=list)
    """Calls that met a kept connection which the proxy had closed."""
    gaps: list[float] = field(default_factory=list)
    """Seconds between a good answer and the next one, or the end of the record, of each client."""

    def add(self, later: "Record") -> None:
        """Go on with what was seen later."""
        for name, entries in vars(later).items():
            getattr(self, name).extend(entries)

    def kinds(self) -> Counter[str]:
        """How calls failed, and how often."""
        return Counter(call.outcome for call in self.calls if call.outcome != OK)

    def without_retry_after(self) -> int:
        """How many answers 503 of the service did not say when to try again."""
        return sum(call.outcome == "503" and not call.retry_after for call in self.calls)

    def longest_gap(self) -> float:
        """Seconds that a client was longest without a good answer."""
        return max(self.gaps, default=0.0)


class Failed(Exception):
    """A call that did not get a good answer, and may be repeated."""

    def __init__(self, outcome: str, *, retry_after: bool = False) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.retry_after = retry_after


class Lost(Exception):
    """The session has ended, and nobody ended it."""


class Client:
    """One client with one connection at a time."""

    def __init__(self, port: int, trust: ssl.SSLContext, record: Record, ending: threading.Event) -> None:
        self._port, self._trust, self._record, self._ending = port, trust, record, ending
        self._connection: http.client.HTTPSConnection | None = None
        self._last_good = time.monotonic()
        self.access = self.refresh = ""

    def run(self) -> None:
        """Use the service until the end."""
        self._last_good = time.monotonic()
        while not self._ending.is_set():
            try:
                self._journey()
            except Lost as lost:
                self._record.lost.append(str(lost))
            except InterruptedError:
                break
        self._note_gap()
        self._close()

    def _journey(self) -> None:
        somebody = person()
        # An account whose answer was lost is there.
        self._until_good("register", REGISTER, {"input": somebody}, accept={"EMAIL_TAKEN", "USERNAME_TAKEN"})
        credentials = {"email": somebody["email"], "password": somebody["password"]}
        self._keep(self._until_good("tokenAuth", TOKEN_AUTH, {"input": credentials}))
        for _ in range(12):
            self._me()
            before = self.refresh
            self._refresh(before)
            self._me()
            again = self._refresh(before)
            if again != self.refresh:
                raise Lost("a repeated refresh got another pair")
            self._until_good("users", USERS, {})
        self._until_good("revokeToken", REVOKE, {"input": {"token": self.refresh}})

    def _me(self) -> None:
        data = self._until_good("me", ME, {}, token=self.access)
        if data["me"] is None:
            raise Lost("signed out")

    def _refresh(self, token: str) -> str:
        self._keep(self._until_good("refreshToken", REFRESH, {"input": {"refreshToken": token}}))
        return self.refresh

    def _keep(self, data: dict[str, Any]) -> None:
        [payload] = data.values()
        self.access, self.refresh = payload["tokens"]["accessToken"], payload["tokens"]["refreshToken"]

    def _until_good(
        self,
        name: str,
        query: str,
        variables: dict[str, Any],
        *,
        token: str = "",
        accept: Set[str] = frozenset(),  # type: ignore[assignment]
    ) -> dict[str, Any]:
        while True:
            began = time.monotonic()
            try:
                data = self._call(query, variables, token=token, accept=accept)
            except Failed as failed:
                self._record.calls.append(
                    Call(name, began, time.monotonic(), failed.outcome, retry_after=failed.retry_after)
                )
                if self._ending.wait(PAUSE):
                    raise InterruptedError from None
                continue
            except Lost as lost:
                self._record.calls.append(Call(name, began, time.monotonic(), str(lost)))
                raise Lost(f"{lost} to {name}") from None
            self._record.calls.append(Call(name, began, time.monotonic(), OK))
            self._note_gap()
            return data

    def waiting(self) -> float:
        """Seconds since the last good answer."""
        return time.monotonic() - self._last_good

    def _note_gap(self) -> None:
        self._record.gaps.append(self.waiting())
        self._last_good = time.monotonic()

    def _call(self, query: str, variables: dict[str, Any], *, token: str, accept: Set[str]) -> dict[str, Any]:
        """The data of an operation. Raises Failed, Lost."""
        headers = {"Content-Type": "application/json", "Host": f"localhost:{self._port}"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        body = json.dumps({"query": query, "variables": variables})
        try:
            status, retry_after, raw = self._exchange(body, headers)
        except (OSError, http.client.HTTPException) as error:
            self._close()
            raise Failed(type(error).__name__) from None
        return _data(status, raw, accept, retry_after=retry_after)

    def _exchange(self, body: str, headers: dict[str, str]) -> tuple[int, bool, bytes]:
        """Status, whether it says when to try again, and body.

        A kept connection that is closed before the answer begins is replaced once, as browsers do.
        """
        kept = self._connection is not None
        try:
            return self._exchange_once(body, headers)
        except STALE:
            self._close()
            if not kept:
                raise
            self._record.sent_again.append(body)
            return self._exchange_once(body, headers)

    def _exchange_once(self, body: str, headers: dict[str, str]) -> tuple[int, bool, bytes]:
        if self._connection is None:
            self._connection = http.client.HTTPSConnection(
                "localhost", self._port, timeout=TIMEOUT, context=self._trust
            )
        self._connection.request("POST", "/graphql", body, headers)
        response = self._connection.getresponse()
        raw = response.read()
        if response.will_close:
            self._close()
        return response.status, "Retry-After" in response.headers, raw

    def _close(self) -> None:
        if self._connection is not None:
            with suppress(OSError):
                self._connection.close()
            self._connection = None


def _data(status: int, raw: bytes, accept: Set[str], *, retry_after: bool) -> dict[str, Any]:
    """The data of an answer. Raises Failed, Lost."""
    try:
        answer = json.loads(raw)
    except ValueError:
        raise Failed(f"{status}") from None
    errors = answer.get("errors", ())
    if any(error["extensions"]["code"] == "UNAUTHENTICATED" for error in errors):
        raise Lost("UNAUTHENTICATED")
    if status != http.HTTPStatus.OK or errors:
        raise Failed(f"{status}", retry_after=retry_after)
    data: dict[str, Any] = answer["data"]
    for payload in filter(None, data.values()):
        refused = {error["code"] for error in payload.get("errors", ())} - accept
        if "INVALID_GRANT" in refused:
            raise Lost("INVALID_GRANT")
        if refused:
            raise Failed(refused.pop())
    return data


@contextmanager
def load(port: int, trust: ssl.SSLContext, *, clients: int = 6) -> Iterator[Callable[[], Record]]:
    """Clients that use the proxy at this port until the block ends.

    The function returns the record since it was last called.
    """
    ending = threading.Event()
    records = [Record() for _ in range(clients)]
    everybody = [Client(port, trust, record, ending) for record in records]
    threads = [threading.Thread(target=client.run, daemon=True) for client in everybody]
    for thread in threads:
        thread.start()

    def taken() -> Record:
        whole = Record()
        for record in records:
            for name in ("calls", "lost", "sent_again", "gaps"):
                entries = getattr(record, name)
                count = len(entries)
                getattr(whole, name).extend(entries[:count])
                del entries[:count]
        whole.gaps += [client.waiting() for client in everybody]
        return whole

    try:
        yield taken
    finally:
        ending.set()
        for thread in threads:
            thread.join(TIMEOUT + 5)

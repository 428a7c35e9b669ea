"""The requests that one sign-in makes to a provider."""

import json
import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, NoReturn, Self
from urllib.parse import urlencode

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.conf import Provider, latchkey
from accounts.shared import metrics, tracing
from accounts.shared.circuit_breaker import CircuitBreaker
from accounts.social import refusals
from accounts.social.claims import SUBJECT, Content
from accounts.social.errors import ProviderRejected, ProviderUnavailable
from accounts.social.providers.http import Answer, Deadline, Limits, NoAnswer, Silence, Unreadable, fetch
from accounts.social.providers.places import PLACES

OK, BAD_REQUEST, TOO_MANY_REQUESTS, SERVER_ERROR = 200, 400, 429, 500
DOWN = 5
"""Seconds for which a server that kept us waiting in vain is not asked again."""
PATIENCE = 0.2
"""The part of PROVIDER_TIMEOUT after which a failure has kept us waiting."""
SERVERS = CircuitBreaker(seconds=DOWN)
"""By provider and origin: a server that failed at one endpoint is not asked at the others either."""
BUSY = ("server_error", "temporarily_unavailable")
"""RFC 6749 §4.1.2.1; some token endpoints send these with status 400."""
NO_ANSWER = _("The provider did not answer. Try again later.")
NOT_UNDERSTOOD = _("The provider's answer could not be understood. Try again later.")


class Outcome(StrEnum):
    """How a request to a provider ended, in the metrics."""

    ANSWERED = "answered"
    REFUSED = "refused"
    """HTTP 4xx: mostly a credential that is not good."""
    FAILED = "failed"
    """HTTP 5xx, and 429."""
    NOT_UNDERSTOOD = "not understood"
    NO_ANSWER = "no answer"
    NOT_ASKED = "not asked"
    """The server kept us waiting a moment ago."""
    NO_PLACE = "no place"
    """Too many threads wait for providers."""

    @classmethod
    def of(cls, answer: Answer) -> "Outcome":
        """That of an answer."""
        if answer.status < BAD_REQUEST:
            return cls.ANSWERED
        failed = answer.status == TOO_MANY_REQUESTS or answer.status >= SERVER_ERROR
        return cls.FAILED if failed else cls.REFUSED


def is_refusal(answer: Answer) -> bool:
    """Whether the provider refuses the request, rather than having trouble of its own."""
    return (
        answer.status in {400, 401, 403}
        and isinstance(answer.content, dict)
        and answer.content.get("error") not in BUSY
    )


class Exchange:
    """One sign-in's requests to a provider, in a `with` block: they share one deadline, which starts with the block.

    They share one place among the waiting threads too. It is taken before the first wait and kept until the block ends:
    nobody is turned away half-way, when a code is already redeemed. A sign-in that never waits takes none.
    """

    def __init__(
        self, provider: Provider, *, field: tuple[str, ...], is_refusal: Callable[[Answer], bool] = is_refusal
    ) -> None:
        self.provider = provider
        self._field = field
        self._is_refusal = is_refusal
        self._limits: Limits | None = None
        self._has_place = False

    def __enter__(self) -> Self:
        """Start the deadline."""
        own = latchkey()
        deadline = Deadline(seconds=own.provider_timeout)
        self._limits = Limits(deadline=deadline, max_bytes=own.provider_max_bytes, private=own.private_providers)
        return self

    def __exit__(self, *_error: object) -> None:
        """Give the place back."""
        self._limits = None
        if self._has_place:
            self._has_place = False
            PLACES.give_back(self.provider.name)

    def _open(self) -> Limits:
        if self._limits is None:
            # Outside the block, nobody would give the place back.
            raise RuntimeError("A provider is asked inside `with Exchange(…):` only.")
        return self._limits

    def remaining(self) -> float:
        """Seconds until the deadline. Raises TimeoutError once there are none."""
        return self._open().deadline.remaining()

    def take_place(self) -> None:
        """Take a place before any wait, also for another sign-in's request. Raises ProviderUnavailable."""
        self._open()
        if self._has_place:
            return
        try:
            PLACES.take(self.provider.name)
        except NoAnswer as cause:
            metrics.PROVIDER_REQUESTS.labels(self.provider.name, Outcome.NO_PLACE).inc()
            raise self.unavailable(str(cause)) from None
        self._has_place = True

    # Requests

    def ask(
        self,
        url: str,
        *,
        method: str = "GET",
        authorization: str = "",
        form: Mapping[str, str] | None = None,
        content: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> Answer:
        """The provider's answer, whatever its status. Raises ProviderUnavailable."""
        self.take_place()
        headers, body = {}, None
        if authorization:
            headers["Authorization"] = authorization
        if form is not None:
            headers["Content-Type"], body = "application/x-www-form-urlencoded", urlencode(form).encode()
        elif content is not None:
            headers["Content-Type"], body = "application/json", json.dumps(content).encode()
        try:
            return self._fetch(
                f"{url}?{urlencode(parameters)}" if parameters else url, method=method, headers=headers, body=body
            )
        except Unreadable as cause:
            raise self.not_understood(f"{cause} at {url}") from None
        except NoAnswer as cause:
            message = NO_ANSWER if isinstance(cause, Silence) else None
            raise self.unavailable(f"{cause} at {url}", message=message) from None

    def _fetch(self, url: str, **request: Any) -> Answer:
        server = (self.provider.name, url.partition("?")[0].split("/")[:3][-1])
        if not SERVERS.allows(server):
            metrics.PROVIDER_REQUESTS.labels(self.provider.name, Outcome.NOT_ASKED).inc()
            raise NoAnswer("not asked for a moment, after it kept us waiting,")
        started = time.monotonic()
        outcome = Outcome.NO_ANSWER
        try:
            with tracing.tracer.span(f"{request['method']} {self.provider.name}", server_address=server[1]):
                answer = fetch(url, **request, limits=self._open())
            outcome = Outcome.of(answer)
        except NoAnswer as cause:
            outcome = Outcome.NOT_UNDERSTOOD if isinstance(cause, Unreadable) else outcome
            # A failure that comes at once holds no thread. It may be due to this credential: a bad one must not shut
            # the others out.
            if time.monotonic() - started > latchkey().provider_timeout * PATIENCE:
                SERVERS.failed(server)
            raise
        finally:
            metrics.PROVIDER_REQUESTS.labels(self.provider.name, outcome).inc()
            metrics.PROVIDER_SECONDS.labels(self.provider.name).observe(time.monotonic() - started)
        SERVERS.succeeded(server)
        return answer

    def ask_as_bearer(self, url: str, *, token: str, method: str = "GET", **parameters: str) -> Content:
        """The JSON object that the bearer of a token gets. Raises ProviderRejected, ProviderUnavailable."""
        answer = self.ask(url, method=method, authorization=f"Bearer {token}", parameters=parameters)
        return self.accepted(answer, url)

    # Answers

    def refuses(self, answer: Answer) -> bool:
        """Whether the provider refuses the request, rather than having trouble of its own."""
        return self._is_refusal(answer)

    def accepted(self, answer: Answer, url: str) -> Content:
        """The JSON object of a good answer. Raises ProviderRejected for a refusal, else ProviderUnavailable."""
        if self.refuses(answer):
            raise self.rejected(f"HTTP {answer.status} at {url}")
        content: Content = self.content_of(answer, url)
        return content

    def content_of(self, answer: Answer, url: str, kind: type = dict) -> Any:
        """The JSON of a good answer, of this kind. Raises ProviderUnavailable."""
        if answer.status != OK:
            raise self.unavailable(f"HTTP {answer.status} at {url}")
        if not isinstance(answer.content, kind):
            raise self.not_understood(f"JSON, but no {'object' if kind is dict else kind.__name__} at {url}")
        return answer.content

    def subject(self, value: object) -> str:
        """The value, if it can be the key of an identity. Raises ProviderUnavailable."""
        if isinstance(value, str) and SUBJECT.fullmatch(value):
            return value
        raise self.not_understood("answer without a subject")

    # Failures

    def rejected(self, cause: str) -> ProviderRejected:
        """Build the exception for the caller to raise; `cause` is logged, and shown in development."""
        return refusals.rejected(self.provider.name, cause, field=self._field)

    def refuse_foreign(self, audience: object) -> NoReturn:
        """Refuse a credential that was issued to another application (S28). Raises ProviderRejected."""
        raise self.rejected(f"issued to {audience!a:.200}, not to one of {', '.join(self.provider.client_ids)}")

    def unavailable(self, cause: str, *, message: str | Promise | None = None) -> ProviderUnavailable:
        """Build the exception for the caller to raise; `cause` is logged, and shown in development."""
        return refusals.unavailable(self.provider.name, cause, message=message)

    def not_understood(self, cause: str) -> ProviderUnavailable:
        """Build the exception to raise for an answer that lacks what it should hold."""
        return self.unavailable(cause, message=NOT_UNDERSTOOD)

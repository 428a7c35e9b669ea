"""GraphQL over HTTP: negotiation, status codes, and errors that hold no more than clients can act on.

https://graphql.github.io/graphql-over-http/draft/ for media types and status codes; Apollo Server's names for codes.
"""

import json
import logging
import time
from functools import partial
from http.client import INTERNAL_SERVER_ERROR
from typing import Any, cast

from csp.decorators import csp_update
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.template.response import TemplateResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from django.views.generic import View as DjangoView
from graphql import ExecutionResult

from accounts.conf import latchkey
from accounts.shared import metrics, tracing
from accounts.shared.caller import Caller
from accounts.tokens.metadata import challenge_of
from schema.http import documents
from schema.http.built import GRAPHIQL
from schema.http.responses import DATABASE_AWAY, GRAPHQL_RESPONSE, JSON, code_of, media_type_for, present, ranges_of
from schema.language import gate
from schema.request.context import REFUSED, Context
from schema.request.cookies import RefreshCookie, RememberedBrowserCookie
from schema.request.refusals import Refusal
from schema.root import schema

METHODS = "GET, HEAD, POST, OPTIONS"
GRAPHIQL_POLICY = {
    "style-src": ["'self'", "'unsafe-inline'"],
    "img-src": ["'self'", "data:"],
}
"""GraphiQL's editor writes styles; its error underlines are data URLs in its style sheet."""
LARGEST_BATCH = 100
"""No client sends larger ones, and a response is longer than the shortest operation."""
PARTS: dict[str, type] = {"query": str, "variables": dict, "operationName": str, "extensions": dict}
log = logging.getLogger(__name__)


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


# Made once: json.loads and json.dumps would make them anew at each request.
DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
ENCODER = DjangoJSONEncoder(separators=(",", ":"))


class Refused(Exception):
    """A request that is refused before GraphQL begins."""

    repeats = 0
    """How often to repeat the error in a list; 0 for a single object."""

    def __init__(self, status_code: int, reason: str, *, code: str = "BAD_REQUEST", **headers: str) -> None:
        super().__init__(reason)
        self.status_code = status_code
        self.reason = reason
        self.code = code
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    @property
    def outcome(self) -> str:
        """What the metrics call it: its status, or a code that says more."""
        return str(self.status_code) if self.code == "BAD_REQUEST" else self.code


class Batch(Refused):
    """A list of operations. The error is repeated for each: batching links find their response by its position."""

    def __init__(self, size: int) -> None:
        super().__init__(400, "Batches are not supported. Switch batching off: use HttpLink, not BatchHttpLink.")
        self.repeats = size if size <= LARGEST_BATCH else 0


class View(DjangoView):
    """The endpoint. Strawberry has made the schema; what comes by HTTP is ours from the first byte to the last."""

    context: Context | None = None
    outcome = metrics.OK
    """What the metrics call the response: ok, or the code of its first failure."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Respond to any request: in JSON, and never with a 5xx for a bad one."""
        if request.method == "HEAD":
            request.method = "GET"  # HeadMiddleware leaves the body out
        accept = request.headers.get("Accept", "*/*")
        self.media_type = media_type_for(accept)
        self.legacy = self.media_type == JSON and JSON in ranges_of(accept)
        self.request_id: str = getattr(request, "id", "")
        started = time.perf_counter()
        try:
            if request.method == "OPTIONS":
                return HttpResponse(status=204, headers={"Allow": METHODS})
            if request.method == "GET" and "query" not in request.GET and "text/html" in ranges_of(accept):
                return self.page(request)
            self.admit(request)
            response = self.run(request)
        except DATABASE_AWAY:
            self.count("503", started)
            raise  # for DatabaseAwayMiddleware
        except Exception as error:  # noqa: BLE001 - clients cannot use an HTML response
            refused = self.refusal(error)
        else:
            self.count(self.outcome, started)
            return response
        self.count(refused.outcome, started)
        extensions = {"code": refused.code}
        if refused.status_code == INTERNAL_SERVER_ERROR:
            extensions["requestId"] = self.request_id
        body: Any = {"errors": [{"message": refused.reason, "extensions": extensions}]}
        if refused.repeats:
            body = [body] * refused.repeats
        headers = {**self.headers(), **refused.headers}
        return HttpResponse(json.dumps(body), status=refused.status_code, headers=headers)

    def count(self, outcome: str, started: float) -> None:
        """Count the operation, which began then."""
        operation = self.context.operation if self.context else REFUSED
        metrics.answered_graphql(operation, outcome, seconds=time.perf_counter() - started)
        tracing.tracer.name(operation)

    def page(self, request: HttpRequest) -> HttpResponse:
        """The page for browsers: GraphiQL if it is built and enabled, or else how to call the endpoint."""
        html = GRAPHIQL.html if latchkey().graphiql else None
        headers = {"Cache-Control": "no-store"}
        if not html:
            return TemplateResponse(request, "graphql/welcome.html", headers=headers).render()
        page = HttpResponse(html, headers=headers)
        return cast("HttpResponse", csp_update(GRAPHIQL_POLICY)(lambda _request: page)(request))

    def refusal(self, error: Exception) -> Refused:
        """The response to an error that was raised before or around GraphQL."""
        match error:
            case Refused():
                return error
            case RequestDataTooBig():
                return Refused(413, "The body is too large.")
            case TooManyFieldsSent():
                return Refused(400, "The address has too many parameters.")
            case UnicodeDecodeError():
                return Refused(400, "The body is not UTF-8.")
            case UnreadablePostError():
                return Refused(400, "The body ended early.")
            case documents.NotFound():
                # 200, as Apollo Server: its client reads the code only then.
                return Refused(200, error.message, code=code_of(error))
            case Refusal():
                return Refused(400, error.message, code=code_of(error))
            case gate.NotAQuery():
                return Refused(405, "Mutations need POST.", Allow="POST")
        log.error("unexpected error", exc_info=error)
        return Refused(INTERNAL_SERVER_ERROR, "Unexpected error.", code="INTERNAL_SERVER_ERROR")

    def headers(self) -> dict[str, str]:
        """The headers of every response."""
        media_type = self.media_type or JSON
        return {
            "Content-Type": f"{media_type}; charset=utf-8",
            "Cache-Control": "no-store",
            "Vary": "Accept",
        }

    def admit(self, request: HttpRequest) -> None:
        """Raise Refused unless this is GraphQL over HTTP. JSON only: forms of other sites cannot send it (S44)."""
        if request.method not in {"GET", "POST"}:
            raise Refused(405, "Use POST, or GET for queries.", Allow=METHODS)
        if self.media_type is None:
            raise Refused(406, f"This service answers {GRAPHQL_RESPONSE} or {JSON}.")
        if request.method == "POST":
            if request.headers.get("Content-Encoding", "").lower() not in {"", "identity"}:
                raise Refused(415, "Send the body without a Content-Encoding.", Accept_Encoding="identity")
            if request.content_type != JSON:
                raise Refused(415, f"Send the operation as {JSON}.")
            if (request.content_params or {}).get("charset", "utf-8").lower() not in {"utf-8", "utf8"}:
                raise Refused(415, "Send the operation in UTF-8.")

    def run(self, request: HttpRequest) -> HttpResponse:
        """The response to an operation."""
        body = self.body_of(request)
        query = documents.text_of(body)
        if not query:
            raise Refused(400, "No GraphQL query found in the request")
        response = HttpResponse(headers=self.headers())
        context = self.context = self.get_context(request, response)
        result = gate.run(
            schema._schema,  # noqa: SLF001 - no public name
            query,
            variables=body.get("variables"),
            name=body.get("operationName"),
            context=context,
            read_only=request.method != "POST",
        )
        for failure in result.errors or ():
            if isinstance(failure.original_error, DATABASE_AWAY):
                # Even if other fields ran: the client may retry when the database is back.
                raise failure.original_error
        response.status_code = self.status(result, context)
        if result.errors or context.failure:
            self.outcome = context.failure or code_of((result.errors or [])[0])
        if result.data is not None:
            documents.remember(body, context.find_caller)
        if context.retry_after:
            response.headers["Retry-After"] = str(context.retry_after)
        if context.refusal is not None:
            response.headers["WWW-Authenticate"] = challenge_of(request, context.refusal.error)
            if not self.legacy:
                # Apollo Client drops the code of a 401 that is plain JSON.
                response.headers["Content-Type"] = f"{GRAPHQL_RESPONSE}; charset=utf-8"
        response.content = ENCODER.encode(self.process_result(result, context)).encode()
        return response

    def body_of(self, request: HttpRequest) -> dict[str, Any]:
        """The parts of the request (GraphQL over HTTP §6). Raises Refused."""
        body: Any
        if request.method == "GET":
            # An empty one is none.
            body = {name: value for name, value in request.GET.items() if value}
            for name in ("variables", "extensions"):
                if name in body:
                    body[name] = None if body[name] == "null" else self.parse_json(body[name])
        else:
            body = self.parse_json(request.body.decode())
        for name, kind in PARTS.items():
            part = body.get(name)
            if part is not None and not isinstance(part, kind):
                raise Refused(400, f"`{name}` must be {'an object' if kind is dict else 'a string'} or null.")
        return cast("dict[str, Any]", body)

    def parse_json(self, text: str) -> Any:
        """Decode a JSON object as in RFC 7493: no NaN, no lone surrogates.

        Raises Batch (S40), since batches would multiply guesses, and Refused.
        """
        try:
            value = DECODER.decode(text)
            if "\\u" in text:
                # PostgreSQL, like every UTF-8 encoder, fails on a lone surrogate.
                json.dumps(value, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            raise Refused(400, "The body is not JSON.") from None
        if isinstance(value, list):
            raise Batch(len(value))
        if not isinstance(value, dict):
            raise Refused(400, "Send one JSON object.")
        return value

    def get_context(self, request: HttpRequest, response: HttpResponse) -> Context:
        """The parts of the request that resolvers can see."""
        return Context(
            authorization=request.META.get("HTTP_AUTHORIZATION"),
            find_caller=partial(Caller.of, request.META),
            cookie=RefreshCookie(request, response),
            remembered_browser=RememberedBrowserCookie(request, response),
        )

    def status(self, result: ExecutionResult, context: Context) -> int:
        """200 if anything ran; otherwise by the cause (GraphQL over HTTP, RFC 6750 §3.1)."""
        if result.data is not None or not result.errors or any(error.path for error in result.errors):
            return 200
        if context.refusal is not None:
            return 401 if context.refusal.error == "invalid_token" else 403
        if any(code_of(error) == "INTERNAL_SERVER_ERROR" for error in result.errors):
            return 500
        return 200 if self.legacy else 400

    def process_result(self, result: ExecutionResult, context: Context) -> dict[str, Any]:
        """The response body: errors first, `data` only if anything ran, and hints for developers."""
        answer: dict[str, Any] = {}
        if result.errors:
            answer["errors"] = [present(error, self.request_id) for error in result.errors]
        if result.data is not None or not result.errors or any(error.path for error in result.errors):
            answer["data"] = result.data
        if context.hints:
            answer["extensions"] = {"hint": " ".join(context.hints)}
        return answer


graphql_view = csrf_exempt(View.as_view())


@csrf_exempt  # programs get 405, not an error about a CSRF token
@require_safe
def sdl_view(_request: HttpRequest) -> HttpResponse:
    """The SDL, for code generators; in development only."""
    if not latchkey().introspection:
        return HttpResponse(status=404)
    return HttpResponse(schema.as_str(), content_type="text/plain; charset=utf-8")

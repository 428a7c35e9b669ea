"""DOT's OAuth endpoints with corrections."""

import logging
from typing import Any

from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View
from oauth2_provider.models import get_access_token_model
from oauth2_provider.views import RevokeTokenView as DotRevokeTokenView
from oauth2_provider.views import TokenView as DotTokenView
from oauth2_provider.views.mixins import OAuthLibMixin
from oauthlib.oauth2 import (
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    OAuth2Error,
    TemporarilyUnavailableError,
    UnsupportedGrantTypeError,
)

from accounts.conf import latchkey
from accounts.guard import events
from accounts.guard.errors import RateLimited
from accounts.guard.events import EventType
from accounts.tokens.bearer import mark_used, with_first_use
from accounts.tokens.families import checksum, families_of
from accounts.tokens.models import SECOND_FACTORS, AuthenticationMethod, Session
from accounts.tokens.proof import first_factor_shown
from accounts.tokens.server import Core, basic_credentials

log = logging.getLogger(__name__)

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
TOO_LARGE, UNSUPPORTED, TOO_MANY = 413, 415, 429


class JsonView(View):
    """A view for programs: without CSRF check and without HTML."""

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Exempt the view itself: a mark on `dispatch`, where DOT sets it, is lost by every override."""
        return csrf_exempt(super().as_view(**initkwargs))

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer 405 with an `Allow` header."""
        response = super().http_method_not_allowed(request, *args, **kwargs)
        response.content = InvalidRequestError(description="The method is not allowed here.").json
        response.headers["Content-Type"] = "application/json"
        return response


class Endpoint(JsonView):
    """An endpoint that takes a form and returns JSON that is never cached (RFC 6749 §5.1, §5.2).

    Some of DOT's errors come as HTML and echo what was sent, and its challenges name the scheme Bearer.
    """

    http_method_names = ["post", "options"]  # noqa: RUF012 - as the base declares it

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Refuse a malformed form, otherwise call the view."""
        try:
            if request.method == "POST":
                _check_coding(request)
                _check_form(request)
            response: HttpResponse = super().dispatch(request, *args, **kwargs)  # type: ignore[assignment]
        except OAuth2Error as error:
            response = HttpResponse(error.json, status=error.status_code)
        except RateLimited as error:
            # RFC 6585 §4. RFC 6749 has no code for it: this one is of §4.1.2.1.
            refusal = TemporarilyUnavailableError(description="Too many attempts.", status_code=TOO_MANY)
            response = HttpResponse(refusal.json, status=TOO_MANY, headers={"Retry-After": str(error.retry_after)})
        if response.status_code == InvalidClientError.status_code:
            # RFC 9110 §15.5.2 asks for a challenge in every 401, RFC 6749 §5.2 for the scheme that clients can use.
            response.headers["WWW-Authenticate"] = 'Basic realm="oauth", charset="UTF-8"'
        if response.status_code == UNSUPPORTED:
            response.headers["Accept-Encoding"] = "identity"
        response.headers["Content-Type"] = "application/json"
        response.headers["Cache-Control"] = "no-store"
        response.headers["Pragma"] = "no-cache"
        return response


def _check_coding(request: HttpRequest) -> None:
    """Raise InvalidRequestError for a compressed body (RFC 9110 §15.5.16), or one that is not in UTF-8."""
    if request.headers.get("Content-Encoding", "").lower() not in {"", "identity"}:
        raise InvalidRequestError(description="Send the form without a Content-Encoding.", status_code=UNSUPPORTED)
    if (request.content_params or {}).get("charset", "utf-8").lower() not in {"utf-8", "utf8"}:
        raise InvalidRequestError(description="Send the form in UTF-8.")


def _check_form(request: HttpRequest) -> None:
    """Raise InvalidRequestError unless the body is a form without repeated OAuth parameters."""
    try:
        size = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        size = 0
    if size > latchkey().max_body_bytes:
        # Django limits fields, but stores files of any size.
        raise InvalidRequestError(description="The body is too large.", status_code=TOO_LARGE)
    if request.content_type not in FORMS:
        raise InvalidRequestError(description=f"Send the parameters as {FORMS[0]}.")
    try:
        form = request.POST
    except RequestDataTooBig as error:
        raise InvalidRequestError(description="The body is too large.", status_code=TOO_LARGE) from error
    except (BadRequest, MultiPartParserError, SuspiciousOperation, UnreadablePostError) as error:
        raise InvalidRequestError(description="The body is malformed.") from error
    for name in sorted(Core.parameters & form.keys()):
        values = form.getlist(name)
        if len(values) > 1:
            # RFC 6749 §3.2.
            raise InvalidRequestError(description=f"The parameter {name} is repeated.")
        if "\0" in values[0]:
            # PostgreSQL text cannot hold NUL.
            raise InvalidRequestError(description=f"The parameter {name} holds NUL.")
    if form.get("client_secret") and basic_credentials(request.headers.get("Authorization")):
        # RFC 6749 §2.3.
        raise InvalidRequestError(description="The client authenticates in two ways at once.")


class TokenView(Endpoint, DotTokenView):
    """DOT's token endpoint (RFC 6749 §3.2), with the offered grants only."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Refuse other grants before any other check (RFC 6749 §5.2)."""
        grant_type = request.POST.get("grant_type")
        if not grant_type:
            raise InvalidRequestError(description="Missing grant_type parameter.")
        # DOT fails on the device flow without a code, and oauthlib takes `openid` for `authorization_code`.
        if grant_type not in self.get_oauthlib_core().server.grant_types:
            raise UnsupportedGrantTypeError
        try:
            response: HttpResponse = super().post(request, *args, **kwargs)
        except get_access_token_model().DoesNotExist as error:
            # DOT reads the token that was just issued once more, for its signal: its session has ended meanwhile.
            raise InvalidGrantError from error
        return response


class RevokeTokenView(Endpoint, DotRevokeTokenView):
    """DOT's revocation endpoint (RFC 7009)."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """As DOT, with an empty JSON object instead of an empty body."""
        try:
            response: HttpResponse = super().post(request, *args, **kwargs)
        except InvalidGrantError as refusal:
            _record_refused_end(refusal.error)
            raise
        if response.status_code == InvalidClientError.status_code:
            _record_refused_end(InvalidClientError.error)
        response.content = response.content or b"{}"
        return response


def _record_refused_end(error: str) -> None:
    events.record_failure(EventType.SESSION_END_REFUSED, subject=None, cause=error)


class IntrospectTokenView(Endpoint, OAuthLibMixin):
    """Token introspection (RFC 7662) for confidential clients: see `Client.may_introspect`.

    DOT's view refuses with an empty 403, reports a disabled account's token as active (S13), returns its e-mail
    address to every client, omits the subject, and accepts the token by GET, where logs and caches see it.
    """

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer as RFC 7662 §2.2: only `active: false` for an invalid token, and for one that is not the client's."""
        client = self.get_oauthlib_core().authenticated_client(request)
        if client is None:
            raise InvalidClientError
        presented = request.POST.get("token")
        if not presented:
            raise InvalidRequestError(description="Missing token parameter.")
        tokens = with_first_use(get_access_token_model().objects.select_related("user", "application"))
        token = tokens.filter(token_checksum=checksum(presented)).first()
        if token is None or not token.is_valid() or (token.user is not None and not token.user.is_active):
            return JsonResponse({"active": False})
        if not client.may_introspect(token.application_id):
            # Before the token counts as used: it was not shown to a service that it is for.
            log.info("introspection refused: another client's token (client %s)", client.pk)
            return JsonResponse({"active": False})
        if token.unused_in is not None:
            mark_used(token.pk, token.unused_in)
        answer: dict[str, Any] = {
            "active": True,
            "scope": token.scope,
            "token_type": "Bearer",
            "exp": int(token.expires.timestamp()),
            "iat": int(token.created.timestamp()),
        }
        if token.application is not None:
            answer["client_id"] = token.application.client_id
        if token.user is not None:
            answer["sub"] = str(token.user.pk)
            answer |= _proof_of(token.pk)
        if token.resource:
            answer["aud"] = token.resource
        return JsonResponse(answer)


AMR = {
    AuthenticationMethod.PASSWORD: "pwd",
    AuthenticationMethod.SOCIAL: "fed",
    AuthenticationMethod.EMAIL_CODE: "otp",
    AuthenticationMethod.TOTP: "otp",
    AuthenticationMethod.RECOVERY_CODE: "otp",
    AuthenticationMethod.PASSKEY: "swk",
}
"""RFC 8176 has no value for a sign-in through a provider: `fed` is the one that Microsoft Entra uses. A passkey may be
copied between devices, so it is not `hwk`."""
MULTIPLE = "mfa"
"""Several factors (RFC 8176 §2)."""


def _proof_of(token_id: int) -> dict[str, Any]:
    """When and with what the holder of the token's session proved who they are; empty if they never did.

    `auth_time` is of RFC 9470 §6.2, `amr` of RFC 8176.
    """
    session = Session.objects.filter(token_family__in=families_of(token_id)).first()
    proved_at = first_factor_shown(session) if session else None
    if session is None or proved_at is None:
        return {}
    methods = [AMR[AuthenticationMethod(method)] for method in session.authentication_methods]
    if SECOND_FACTORS.intersection(session.authentication_methods):
        methods.append(MULTIPLE)
    return {"auth_time": int(proved_at.timestamp()), "amr": list(dict.fromkeys(methods))}

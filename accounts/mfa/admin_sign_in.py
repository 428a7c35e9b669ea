"""The second step of a sign-in to the administration, which Django's own sign-in does not have (S77).

After the password, the browser has a session that is nobody's and remembers whose password it was, for some minutes. A
right factor signs in. Who has signed in so, or needed no factor, is marked in the session. A session without the mark,
which other code began, counts only while its account needs no factor: `admitted`.
"""

import json
import secrets
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.auth import login
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from accounts.challenges.errors import ChallengeRequired
from accounts.conf import latchkey
from accounts.errors import AccountsError, InvalidChallenge, InvalidCode
from accounts.factors import webauthn
from accounts.factors.errors import PasskeyRejected
from accounts.factors.state import MfaMethod, factors_of
from accounts.factors.webauthn import PasskeyPurpose
from accounts.guard import origin
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.mails.rendering import SIGN_IN_PATH
from accounts.mfa import resetting
from accounts.mfa.answering import Factor, PasskeyAnswer, RecoveryCode, TotpCode, check_factor
from accounts.mfa.errors import MfaEnrollmentRequired, MfaRequired
from accounts.people.attempts import attempt
from accounts.people.models import Account
from accounts.shared import clock
from accounts.shared.caller import Caller

PENDING, MARK = "pending_factor", "admitted"
"""The keys in the session: of a sign-in that has to show a factor, and of the mark of one that has not, or has."""
LIFETIME = 15 * 60
"""Seconds in which the factor must be shown after the password."""
LONGEST_CODE, LONGEST_ANSWER = 64, 16 * 1024
WRONG_CODE = _("This code is not correct.")
PAGE = "admin-factor"
"""The name of the page that asks for the factor."""


class FactorForm(forms.Form):
    """A code, or what a passkey has answered to the script of the page."""

    code = forms.CharField(
        label=_("Code of your authenticator app"),
        help_text=_("Or one of your recovery codes."),
        required=False,
        max_length=LONGEST_CODE,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}),
    )
    ceremony = forms.CharField(required=False, max_length=LONGEST_ANSWER, widget=forms.HiddenInput)
    answer = forms.CharField(required=False, max_length=LONGEST_ANSWER, widget=forms.HiddenInput)

    def factor(self, bound_to: str) -> Factor:
        """What was sent, not yet checked. Raises InvalidCode, PasskeyRejected."""
        if not self.is_valid():
            raise InvalidCode
        data = self.cleaned_data
        if data["answer"]:
            try:
                response = json.loads(data["answer"])
            except (ValueError, RecursionError):
                raise PasskeyRejected from None
            return PasskeyAnswer(
                token=data["ceremony"], response=response, purpose=PasskeyPurpose.SECOND_FACTOR, bound_to=bound_to
            )
        code = "".join(data["code"].split())
        if not code:
            raise InvalidCode
        return TotpCode(code) if code.isdecimal() else RecoveryCode(code)


def step_after_password(account: Account) -> ChallengeRequired | None:
    """What a sign-in to the administration has to do after the password: MfaRequired, MfaEnrollmentRequired or nothing.

    The attempt at the password ends with it, as at `tokenAuth`. It is recorded: the password may be stolen. And it does
    not make the address a known one, from which the factor could be guessed without the limit of the account.
    """
    factors = factors_of(account)
    if factors.enabled:
        return MfaRequired()
    return MfaEnrollmentRequired() if factors.is_required else None


def enter(request: HttpRequest, account: Account, *, page: str) -> HttpResponse:
    """Sign the account in, whose password was right, or ask for its factor first; then `page` opens."""
    step = step_after_password(account)
    if isinstance(step, MfaRequired):
        return _ask(request, account, page=page, step_up=False)
    if step is not None:
        return _to_be_set_up(request)
    resetting.carry_out(account)
    _admit(request, account, backend=account.backend, shown=False)
    return HttpResponseRedirect(page)


def step_up(request: HttpRequest, *, page: str) -> HttpResponse | None:
    """Ask for a factor before this page opens, if the account has one that was not shown lately (S88)."""
    account = cast("Account", request.user)
    shown_at = request.session.get(MARK, {}).get("shown_at") or 0
    is_recent = 0 <= clock.now().timestamp() - shown_at < latchkey().reauthentication_lifetime
    return None if is_recent or not factors_of(account).enabled else _ask(request, account, page=page, step_up=True)


def admitted(request: HttpRequest, user: Account | AnonymousUser) -> Account | AnonymousUser:
    """The user of the session; nobody if the account needs a factor, and the sign-in did not pass `enter`."""
    if isinstance(user, AnonymousUser) or request.session.get(MARK, {}).get("account") == str(user.pk):
        return user
    return AnonymousUser() if step_after_password(user) else user


@sensitive_post_parameters("code", "ceremony", "answer")
@csrf_protect
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def factor_page(request: HttpRequest) -> HttpResponse:
    """Ask for a factor, and check it."""
    pending = request.session.get(PENDING)
    account = _holder(pending) if pending else None
    if pending is None or account is None:
        request.session.pop(PENDING, None)
        return HttpResponseRedirect(reverse("admin:login"))
    if request.method != "POST":
        return _asking(request, account, pending)
    try:
        account = _checked(request, account, pending)
    except AccountsError as error:
        message = WRONG_CODE if isinstance(error, InvalidCode) else error.message
        return _asking(request, account, pending, failure=str(message))
    del request.session[PENDING]
    if pending["step_up"]:
        _mark(request, account, shown=True)
    else:
        _admit(request, account, backend=pending["backend"], shown=True)
    return HttpResponseRedirect(pending["page"])


@sensitive_variables("form")
def _checked(request: HttpRequest, account: Account, pending: dict[str, Any]) -> Account:
    """The account, whose factor was right. Raises InvalidCode, PasskeyRejected, InvalidChallenge, RateLimited."""
    form = FactorForm(request.POST)
    with (
        origin.acting(request.user.pk),
        attempt(Action.FACTOR, EventType.FACTOR_FAILED, address=account.email, caller=Caller.of(request.META)),
        transaction.atomic(),
    ):
        locked = Account.objects.select_for_update(no_key=True).filter(pk=account.pk).first()
        if locked is None or not _is_current(locked, pending):
            raise InvalidChallenge
        check_factor(locked, form.factor(pending["nonce"]))
        return locked


def _ask(request: HttpRequest, account: Account, *, page: str, step_up: bool) -> HttpResponse:
    if not step_up:
        # Nobody else knows the key of a session that has a password behind it.
        request.session.cycle_key()
    request.session[PENDING] = {
        "account": str(account.pk),
        "hash": account.get_session_auth_hash(),
        "backend": getattr(account, "backend", None),
        "page": page,
        "step_up": step_up,
        "nonce": secrets.token_urlsafe(16),
        "expires_at": clock.now().timestamp() + LIFETIME,
    }
    return HttpResponseRedirect(reverse(PAGE))


def _holder(pending: dict[str, Any]) -> Account | None:
    """The account of a sign-in that waits; None if it has waited too long, or if the account has changed meanwhile."""
    if pending["expires_at"] <= clock.now().timestamp():
        return None
    account = Account.objects.filter(pk=pending["account"]).first()
    return account if account is not None and _is_current(account, pending) else None


def _is_current(account: Account, pending: dict[str, Any]) -> bool:
    """Whether the account may still enter, with the password and in the session epoch that the sign-in began with."""
    is_same = constant_time_compare(account.get_session_auth_hash(), pending["hash"])
    return is_same and account.is_active and account.is_staff


def _admit(request: HttpRequest, account: Account, *, backend: str | None, shown: bool) -> None:
    login(request, account, backend=backend)
    request.session.pop(PENDING, None)
    _mark(request, account, shown=shown)


def _mark(request: HttpRequest, account: Account, *, shown: bool) -> None:
    request.session[MARK] = {"account": str(account.pk), "shown_at": clock.now().timestamp() if shown else None}


def _asking(request: HttpRequest, account: Account, pending: dict[str, Any], *, failure: str = "") -> HttpResponse:
    methods = factors_of(account).methods
    ceremony = None
    if MfaMethod.PASSKEY in methods and webauthn.rp_id():
        ceremony = webauthn.begin_assertion(PasskeyPurpose.SECOND_FACTOR, account=account, bound_to=pending["nonce"])
    context = {
        "title": _("Confirm that it is you"),
        # Empty, also after a failure: a code does not count twice.
        "form": FactorForm(),
        "failure": failure,
        "takes_codes": bool({MfaMethod.TOTP, MfaMethod.RECOVERY_CODE} & set(methods)),
        "ceremony": ceremony,
        "options": json.dumps(ceremony.options) if ceremony else "",
    }
    return _rendered(request, "admin/factor.html", context)


def _to_be_set_up(request: HttpRequest) -> HttpResponse:
    base = latchkey().front_end_url or next(iter(latchkey().public_urls), "")
    front_end = f"{base.rstrip('/')}{SIGN_IN_PATH}" if base else ""
    context = {"title": _("Set up a second factor first"), "front_end": front_end}
    return _rendered(request, "admin/factor_missing.html", context, status=403)


def _rendered(request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    site = admin.site
    request.current_app = site.name
    return TemplateResponse(
        request, template, {**site.each_context(request), "subtitle": None, **context}, status=status
    )

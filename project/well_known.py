"""Which pages of other hosts and which apps may use this service's passkeys, as browsers and phones ask it.

Browsers ask the host that passkeys belong to (PASSKEY_RP_ID). So do Android and Apple's systems, which follow no
redirect there.
"""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from accounts.conf import latchkey
from accounts.factors.webauthn import related_origins

LIFETIME = 3600
"""Seconds that the files may be stored for. They change with the settings only."""
RELATIONS = ["delegate_permission/common.handle_all_urls", "delegate_permission/common.get_login_creds"]
"""The first is what passkeys need, the second what saved passwords need."""


def _file(contents: Callable[[], Any]) -> Callable[[HttpRequest], HttpResponse]:
    """A view that serves the contents as JSON to everybody; there is no such file while they are empty."""

    @csrf_exempt  # so that a POST gets 405 instead of a CSRF error
    @require_safe
    def view(_request: HttpRequest) -> HttpResponse:
        if not (found := contents()):
            raise Http404
        return JsonResponse(found, safe=False, headers={"Cache-Control": f"public, max-age={LIFETIME}"})

    return view


def asset_links() -> list[dict[str, Any]]:
    """The apps of ANDROID_APPS, as statements of Digital Asset Links."""
    fingerprints: dict[str, list[str]] = {}
    for app in latchkey().android_apps:
        fingerprints.setdefault(app.package, []).append(app.fingerprint)
    return [
        {
            "relation": RELATIONS,
            "target": {"namespace": "android_app", "package_name": package, "sha256_cert_fingerprints": found},
        }
        for package, found in fingerprints.items()
    ]


def apple_app_site_association() -> dict[str, Any]:
    """The apps of APPLE_APPS, for shared credentials only: which links open an app is for the front end's host."""
    apps = latchkey().apple_apps
    return {"webcredentials": {"apps": [*apps]}} if apps else {}


def webauthn() -> dict[str, Any]:
    """The origins of pages outside the domain that passkeys belong to (WebAuthn level 3 §5.11)."""
    origins = related_origins()
    return {"origins": [*origins]} if origins else {}


FILES = {
    "assetlinks.json": _file(asset_links),
    "apple-app-site-association": _file(apple_app_site_association),
    "webauthn": _file(webauthn),
}
"""The views by well-known name."""

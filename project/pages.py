"""The reference front end at `/`, as `make frontend` builds it."""

from typing import Any, cast

from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.conf import latchkey

INDEX = settings.BASE_DIR / "frontend" / "dist" / "app" / "index.html"


def _policy() -> dict[str, Any]:
    """What the providers' SDKs need on top, where they are switched on."""
    scripts, frames, calls = ["'self'"], [], ["'self'"]
    providers = {provider.name for provider in latchkey().providers}
    if "google-oauth2" in providers:
        scripts.append("https://accounts.google.com/gsi/client")
        frames.append("https://accounts.google.com/gsi/")
        calls.append("https://accounts.google.com/gsi/")
    if "facebook" in providers:
        scripts.append("https://connect.facebook.net")
        frames.append("https://www.facebook.com")
        calls += ["https://www.facebook.com", "https://graph.facebook.com"]
    return {"script-src": scripts, "frame-src": frames or ["'none'"], "connect-src": calls}


@require_safe
def front_end(request: HttpRequest) -> HttpResponse:
    """The page; its script knows the paths. It asks the providers in pop-ups, which `same-origin` would cut off."""
    if not INDEX.exists():
        return HttpResponse("The front end is not built: make frontend\n", status=404, content_type="text/plain")
    response = HttpResponse(INDEX.read_bytes(), headers={"Cache-Control": "no-cache"})
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin-allow-popups"
    response.headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
    return cast("HttpResponse", csp_update(_policy())(lambda _request: response)(request))

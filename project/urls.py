"""All URLs of the service."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path

from accounts.mfa import admin_sign_in
from accounts.tokens.endpoints import IntrospectTokenView, RevokeTokenView, TokenView
from accounts.tokens.metadata import (
    RESOURCE_METADATA,
    SERVER_METADATA,
    ResourceMetadataView,
    ServerMetadataView,
)
from project.outbox import html_part, outbox
from project.pages import change_password, front_end
from project.well_known import FILES
from schema.http.views import graphql_view, sdl_view

# Not DOT's own URLs: they let any signed-in user register clients (S27).
endpoints = {
    "token": TokenView.as_view(),
    "revoke_token": RevokeTokenView.as_view(),
    "introspect": IntrospectTokenView.as_view(),
}
# With and without a trailing slash: a redirect would turn POST into GET.
oauth_patterns = [
    path(f"{name}{slash}", view, name=name.replace("_", "-") if slash else None)
    for name, view in endpoints.items()
    for slash in ("/", "")
]
metadata = {
    SERVER_METADATA: ServerMetadataView.as_view(),
    RESOURCE_METADATA: ResourceMetadataView.as_view(),
}
metadata_patterns = [
    path(f".well-known/{name}{suffix}", view) for name, view in metadata.items() for suffix in ("", "/<path:path>")
]

# They show usable links and codes.
outbox_patterns = [
    path("dev/outbox", outbox, name="outbox"),
    path("dev/outbox/<slug:key>", outbox, name="outbox-mail"),
    path("dev/outbox/<slug:key>.html", html_part, name="outbox-html"),
]
# The last ten are what mailed links open, and where their codes are asked for and typed.
pages = (
    "sign-in|register|users|callback|"
    "verify-email|disown-registration|forgot-password|reset-password|sign-in-code|sign-in-link|"
    "confirm-email|undo-email-change|secure-account|cancel-deletion"
)

urlpatterns = [
    path("graphql", graphql_view, name="graphql"),
    path("graphql/", graphql_view),
    path("schema.graphql", sdl_view, name="sdl"),
    path("o/", include((oauth_patterns, "oauth2_provider"))),
    *metadata_patterns,
    path(".well-known/change-password", change_password),
    *(path(f".well-known/{name}", view) for name, view in FILES.items()),
    path("admin/login/factor/", admin_sign_in.factor_page, name=admin_sign_in.PAGE),
    path("admin/", admin.site.urls),
    *(outbox_patterns if settings.DEVELOPMENT and settings.OUTBOX else ()),
    re_path(rf"^(?:{pages})?$", front_end, name="front-end"),
]

handler400 = "project.pages.bad_request"
handler403 = "project.pages.permission_denied"
handler404 = "project.pages.not_found"
handler500 = "project.pages.server_error"

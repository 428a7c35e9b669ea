"""Every address of the service."""

from django.contrib import admin
from django.urls import include, path, re_path
from oauth2_provider import urls as oauth

from accounts.bearer_tokens.endpoints import IntrospectTokenView, RevokeTokenView, TokenView
from project.pages import front_end
from schema.views import graphql_view, sdl_view

# Never DOT's whole list: it lets any signed-in person register clients (S27).
oauth_patterns = [
    path("token/", TokenView.as_view(), name="token"),
    path("revoke_token/", RevokeTokenView.as_view(), name="revoke-token"),
    path("introspect/", IntrospectTokenView.as_view(), name="introspect"),
]

urlpatterns = [
    path("graphql", graphql_view, name="graphql"),
    path("schema.graphql", sdl_view, name="sdl"),
    path("o/", include((oauth_patterns, "oauth2_provider"))),
    *oauth.metadata_urlpatterns,
    path("admin/", admin.site.urls),
    re_path(r"^(?:sign-in|register|users|callback)?$", front_end, name="front-end"),
]

"""Metadata of the authorization server (RFC 8414) and of the API that its tokens open (RFC 9728)."""

from typing import Any
from urllib.parse import urlsplit

from django.http import Http404, HttpRequest, JsonResponse
from django.urls import get_script_prefix, reverse
from oauth2_provider.scopes import get_scopes_backend

from accounts.conf import latchkey
from accounts.tokens.endpoints import JsonView

SECRET_METHODS = ["client_secret_basic", "client_secret_post"]
METHODS = ["none", *SECRET_METHODS]
"""A public client only states its `client_id`."""
SERVER_METADATA, RESOURCE_METADATA = "oauth-authorization-server", "oauth-protected-resource"
"""Well-known names."""
API = "graphql"
"""The path of the protected resource."""


class MetadataView(JsonView):
    """A public document, readable by pages of any origin."""

    def get(self, request: HttpRequest, *, path: str = "") -> JsonResponse:
        """The document."""
        document = self.document(issuer_of(request), path)
        return JsonResponse(document, headers={"Access-Control-Allow-Origin": "*"})

    def document(self, issuer: str, path: str) -> dict[str, Any]:
        """The document's members; `path` follows the well-known name. Raises Http404."""
        raise NotImplementedError


class ServerMetadataView(MetadataView):
    """The authorization server (RFC 8414). DOT's view lists endpoints that are not served and trusts the Host."""

    def document(self, issuer: str, path: str) -> dict[str, Any]:
        """For an issuer with a path, the document is also where RFC 8414 §3.1 has it: behind the well-known name."""
        if path and f"/{path}" != urlsplit(issuer).path:
            raise Http404

        def url(name: str) -> str:
            return f"{issuer}/{reverse(f'oauth2_provider:{name}').removeprefix(get_script_prefix())}"

        return {
            "issuer": issuer,
            "token_endpoint": url("token"),
            "token_endpoint_auth_methods_supported": METHODS,
            "revocation_endpoint": url("revoke-token"),
            "revocation_endpoint_auth_methods_supported": METHODS,
            "introspection_endpoint": url("introspect"),
            "introspection_endpoint_auth_methods_supported": SECRET_METHODS,
            # Every client of `ensure_client` has this grant. Others are an administrator's choice for one client.
            "grant_types_supported": ["refresh_token"],
            # Required, and none: there is no authorization endpoint.
            "response_types_supported": [],
            "scopes_supported": sorted(get_scopes_backend().get_all_scopes()),
        }


class ResourceMetadataView(MetadataView):
    """The protected resource (RFC 9728): the origin, and the API's own URL."""

    def document(self, issuer: str, path: str) -> dict[str, Any]:
        """The resource is the one that the request names (§3.3), if it is ours."""
        base = urlsplit(issuer).path.strip("/")
        names = {"": issuer, base: issuer, API: f"{issuer}/{API}", f"{base}/{API}".strip("/"): f"{issuer}/{API}"}
        if path not in names:
            raise Http404
        return {
            "resource": names[path],
            "authorization_servers": [issuer],
            "scopes_supported": sorted(get_scopes_backend().get_all_scopes()),
            "bearer_methods_supported": ["header"],
        }


def issuer_of(request: HttpRequest) -> str:
    """The public URL. Raises Http404 if the deployment has none.

    The Host header only picks one of several (in development), and never adds one of its own (S91).
    """
    urls = latchkey().public_urls
    if not urls:
        raise Http404
    asked = f"{request.scheme}://{request.get_host()}"
    url = asked if asked in urls else urls[0]
    prefix = get_script_prefix().rstrip("/")
    return url if url.endswith(prefix) else f"{url}{prefix}"


def challenge_of(request: HttpRequest, error: str) -> str:
    """`WWW-Authenticate` of a refused token (RFC 6750 §3), with the API's metadata (RFC 9728 §5.1) if it has a URL."""
    challenge = f'Bearer error="{error}"'
    try:
        # Below the issuer's own path, which a proxy forwards in any case.
        url = f"{issuer_of(request)}/.well-known/{RESOURCE_METADATA}/{API}"
    except Http404:
        return challenge
    return f'{challenge}, resource_metadata="{url}"'

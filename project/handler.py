"""Django's handler, for requests that claim any charset."""

from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters


class Request(WSGIRequest):
    """A request that is read in UTF-8, whatever charset its Content-Type names.

    Django reads the query string in that charset as soon as it makes the request. What it cannot read, in codecs that
    are none of text (`hex`) or with too many parameters, would get the server's own 500, before any middleware (S45).
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        content_type = environ.pop("CONTENT_TYPE", "")
        super().__init__(environ)
        environ["CONTENT_TYPE"] = content_type
        # Views refuse other charsets by these.
        self.content_type, self.content_params = parse_header_parameters(content_type)


class Handler(WSGIHandler):
    """Django's handler with our requests."""

    request_class = Request

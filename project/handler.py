"""Django's handler, for requests that claim any charset."""

from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http.multipartparser import MultiPartParserError
from django.utils.http import parse_header_parameters

UNREADABLE = (LookupError, TypeError, ValueError)
"""Raised by the standard library's parser of parameters (RFC 2231) at unknown charsets and at repeated names."""


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
        try:
            self.content_type, self.content_params = parse_header_parameters(content_type)
        except UNREADABLE:
            self.content_type, self.content_params = "", {}

    def parse_file_upload(self, META: Any, post_data: Any) -> Any:  # noqa: N803 - as Django calls it
        """The fields and files of a form in parts. Raises MultiPartParserError, which is answered 400."""
        try:
            return super().parse_file_upload(META, post_data)
        except UNREADABLE as error:
            raise MultiPartParserError("The header of a part cannot be read.") from error


class Handler(WSGIHandler):
    """Django's handler with our requests."""

    request_class = Request

"""Static files: the front end's and GraphiQL's, which are built with compressed copies beside them, and the admin's."""

import re
from os import stat_result
from typing import Any

from django.http import HttpRequest
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

REFUSED = re.compile(r";\s*q=0(?:\.0*)?\s*$")
"""The end of a refused item in a header of preferences (RFC 9110 §12.4.2)."""


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]  # it carries no types
    """Serves what `collectstatic` has collected, and besides it the files of the apps and of the last build."""

    def add_file_to_dictionary(self, url: str, path: str, stat_cache: dict[str, stat_result] | None = None) -> None:
        """List a file, unless one with its URL is listed: the collected ones come first.

        They are compressed, and they remain while a new build replaces its files.
        """
        if url not in self.files:
            super().add_file_to_dictionary(url, path, stat_cache)

    def serve(self, static_file: StaticFile, request: HttpRequest) -> Any:
        """Respond with the whole file, which is always correct (RFC 9110 §14.2); or as if it were not listed.

        WhiteNoise ignores If-Range, and its encodings share one ETag: ranges of two contents could be joined. A range
        of a single byte gets 416. It also sends encodings that the client refuses.
        """
        if request.path_info.endswith(".html"):
            # A built page has a view, which sends its policy with it, and only where it is switched on (S81).
            return self.get_response(request)
        headers: dict[str, Any] = request.META
        headers.pop("HTTP_RANGE", None)
        encodings = headers.get("HTTP_ACCEPT_ENCODING", "").lower().split(",")
        headers["HTTP_ACCEPT_ENCODING"] = ",".join(each for each in encodings if not REFUSED.search(each))
        try:
            return WhiteNoiseMiddleware.serve(static_file, request)
        except FileNotFoundError:
            # A build has replaced it, and the service has not started anew.
            return self.get_response(request)

"""Static files: the front end's and GraphiQL's, which are built with compressed copies beside them, and the admin's."""

from os import stat_result
from typing import Any

from django.http import HttpRequest
from whitenoise.middleware import WhiteNoiseFileResponse, WhiteNoiseMiddleware
from whitenoise.responders import StaticFile


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]  # it carries no types
    """Serves what `collectstatic` has collected, and besides it the files of the apps and of the last build."""

    def add_file_to_dictionary(self, url: str, path: str, stat_cache: dict[str, stat_result] | None = None) -> None:
        """List a file, unless one with its URL is listed: the collected ones come first.

        They are compressed, and they remain while a new build replaces its files.
        """
        if url not in self.files:
            super().add_file_to_dictionary(url, path, stat_cache)

    @staticmethod
    def serve(static_file: StaticFile, request: HttpRequest) -> WhiteNoiseFileResponse:
        """Respond with the whole file, which is always correct (RFC 9110 §14.2).

        WhiteNoise ignores If-Range, and its encodings share one ETag: ranges of two contents could be joined. A range
        of a single byte gets 416.
        """
        headers: dict[str, Any] = request.META
        headers.pop("HTTP_RANGE", None)
        return WhiteNoiseMiddleware.serve(static_file, request)

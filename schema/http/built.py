"""The pages that `make frontend` builds: the reference front end, and GraphiQL."""

from pathlib import Path

from django.conf import settings


class BuiltPage:
    """A page of the build, which names its files by relative addresses.

    In production its content is that of the start: so is the list of files that WhiteNoise serves, and a page of a
    newer build would ask for files that are not on it.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.at_start = self._read()

    @property
    def html(self) -> str | None:
        """The page with the addresses of its files; None if it is not built."""
        html = self._read() if settings.DEVELOPMENT else self.at_start
        return html and html.replace('="./', f'="{settings.STATIC_URL}{self.file.parent.name}/')

    def _read(self) -> str | None:
        try:
            return self.file.read_text()
        except FileNotFoundError:
            return None


_DIST = settings.BASE_DIR / "frontend" / "dist"
FRONT_END = BuiltPage(_DIST / "app" / "index.html")
GRAPHIQL = BuiltPage(_DIST / "graphiql" / "index.html")

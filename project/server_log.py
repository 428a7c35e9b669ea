"""gunicorn's own log, in the service's format and without secrets."""

from django.conf import settings
from django.utils.log import configure_logging
from gunicorn.config import Config
from gunicorn.glogging import Logger


class ServerLog(Logger):
    """Hands the records of the server (start, stop, workers that died, failed requests) to the service's log.

    gunicorn's handler would print them in another format, and request lines with the codes in their queries.
    """

    def setup(self, cfg: Config) -> None:
        """Set up after gunicorn. It logs before the application is loaded, so the service's log is set up here too."""
        configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
        super().setup(cfg)
        for handler in self.error_log.handlers[:]:
            self.error_log.removeHandler(handler)
        self.error_log.propagate = True

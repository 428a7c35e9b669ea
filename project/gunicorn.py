"""gunicorn's settings, for `make run` and for production: `gunicorn -c python:project.gunicorn project.wsgi`."""

from django.conf import settings

bind = f"{settings.HOST}:{settings.PORT}"
workers = settings.WORKERS
threads = settings.THREADS
worker_class = "gthread"
control_socket_disable = True
accesslog = None
# Longer than the idle time of the usual load balancers (60 s), so that they close connections, not we.
keepalive = 75
graceful_timeout = 30


def when_ready(_server: object) -> None:
    """Tell a developer where to go."""
    if settings.DEVELOPMENT:
        print(settings.WELCOME, flush=True)  # noqa: T201 - for the person at the terminal

"""Django's test client, made to meet what every real client meets."""

from typing import Any

from django.http import HttpResponseBase
from django.test import Client

from accounts.conf import latchkey
from project.request_log import Kept


class Browser(Client):
    """Django's test client with the CSRF checks that it leaves out by default (S81)."""

    def __init__(self, **options: Any) -> None:
        super().__init__(enforce_csrf_checks=True, **options)

    def request(self, **environ: Any) -> HttpResponseBase:
        """As behind `keeping_bodies`, which is around Django in `project.wsgi`."""
        if "wsgi.input" in environ:
            environ["wsgi.input"] = Kept(environ["wsgi.input"], latchkey().max_body_bytes)
        return super().request(**environ)


class AdminBrowser(Browser):
    """A browser that sends the administration's forms with the CSRF token that their pages carry."""

    def post(self, path: str, data: Any = None, **options: Any) -> HttpResponseBase:
        """Open the administration, unless a page of it was opened before, and send the form."""
        if "csrftoken" not in self.cookies:
            self.get("/admin/", follow=True)
        token = self.cookies["csrftoken"].value
        return super().post(path, {**(data or {}), "csrfmiddlewaretoken": token}, **options)

"""How the built pages and their files are served: compressed, and cached for good where the name says the content."""

import contextlib
import functools
import gzip
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.http import HttpResponse

from project.static_files import StaticFilesMiddleware
from schema.http.built import BuiltPage
from tests.live import ROOT, Live, environment_of_service, serving
from tests.tools import missing
from tests.wire import Reply, message, send

DIST = ROOT / "frontend" / "dist"
PAGES = {"app": "/", "graphiql": "/graphql"}
"""Where each build is served."""
FIRST_VIEW = 120_000
"""Bytes, as sent: what a browser without a cache may load before it shows the sign-in page (issue 15)."""
ACCOUNT = 10_000
"""Bytes, as sent: what the account page may load besides."""
TYPES = {
    ".css": 'text/css; charset="utf-8"',
    ".js": 'text/javascript; charset="utf-8"',
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
COMPRESSED = {".css", ".js", ".svg", ".ttf"}
PRODUCTION = {
    "LATCHKEY_ENV": "production",
    "ALLOWED_HOSTS": "127.0.0.1,localhost",
    "SECURE_SSL_REDIRECT": "false",  # no TLS proxy in front of this one
    "INTROSPECTION": "true",
    "GRAPHIQL": "true",
}
FORMER = "/static/app/assets/former-AAAAAAAA.js"
"""A file that only a former build had."""


def collected(directory: Path) -> dict[str, str]:
    """Run `collectstatic` into a directory of its own, where a former build's file lies. Returns the environment."""
    root = directory / "staticfiles"
    (directory / "collected_settings.py").write_text(
        f"from pathlib import Path\nfrom project.settings import *\nSTATIC_ROOT = Path({str(root)!r})\n"
    )
    environment = {
        **PRODUCTION,
        "DJANGO_SETTINGS_MODULE": "collected_settings",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(directory), os.environ.get("PYTHONPATH")])),
    }
    former = root / FORMER.removeprefix("/static/")
    former.parent.mkdir(parents=True)
    former.write_text("// a part of the former build")
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity=0"],
        cwd=ROOT,
        env=environment_of_service(DATABASE_URL="sqlite://:memory:", CACHE_URL="locmemcache://", **environment),
        check=True,
    )
    return environment


@pytest.fixture(scope="module", params=["development", "production", "collected"])
def live(request, tmp_path_factory) -> Iterator[Live]:
    """`make run`; production without `collectstatic`, as a container may be; and with it."""
    if not all((DIST / name).is_dir() for name in PAGES):
        missing("the front end is not built: make frontend")
    directory = tmp_path_factory.mktemp("live")
    environment = {"development": dict, "production": lambda: PRODUCTION, "collected": lambda: collected(directory)}
    with serving(directory, **environment[request.param]()) as server:
        yield server


def get(live: Live, path: str, method: str = "GET", **headers: str) -> Reply:
    """The response."""
    return send(live.url, message(method, path, **headers))


@functools.cache
def content(path: str) -> str:
    """The text of a built file; nothing for fonts and images."""
    file = DIST / path.removeprefix("/static/")
    return file.read_text() if file.suffix in {".js", ".css"} else ""


@functools.cache
def built(name: str) -> frozenset[str]:
    """The paths of all files of a build, without their compressed copies."""
    files = (DIST / name / "assets").iterdir()
    return frozenset(f"/static/{name}/assets/{file.name}" for file in files if file.suffix not in {".br", ".gz"})


def named_in(text: str, name: str) -> set[str]:
    """The paths of the files of this build that the text names."""
    return {path for path in built(name) if path.rpartition("/")[2] in text}


def page_of(live: Live, name: str) -> str:
    """The page that is served."""
    return get(live, PAGES[name], Accept="text/html").body.decode()


def files_of(page: str, name: str) -> set[str]:
    """The files that a page names, and those that these name, and so on."""
    reached: set[str] = set()
    waiting = named_in(page, name)
    while waiting:
        reached.add(path := waiting.pop())
        waiting |= named_in(content(path), name) - reached
    return reached


def imported(paths: set[str]) -> set[str]:
    """These files, and the scripts that the scripts among them import before they run."""
    reached: set[str] = set()
    waiting = set(paths)
    while waiting:
        reached.add(path := waiting.pop())
        names = re.findall(r"""(?:from|import)\s*["'`]\./([^"'`]+)""", content(path))
        waiting |= {f"{path.rpartition('/')[0]}/{file}" for file in names} - reached
    return reached


def as_sent(live: Live, paths: set[str]) -> int:
    """The bytes of these files for a browser."""
    return sum(len(get(live, path, Accept_Encoding="gzip, deflate, br, zstd").body) for path in paths)


@pytest.mark.parametrize("name", PAGES)
def test_each_file_of_a_page_is_cached_for_good_and_compressed(live, name):
    """Whatever the page may ever ask for, except fonts: those are compressed in themselves."""
    files = files_of(page_of(live, name), name)

    assert {Path(path).suffix for path in files} >= {".css", ".js", ".svg"}
    for path in files:
        reply = get(live, path, Accept_Encoding="gzip, deflate, br, zstd")
        assert (path, reply.status, reply.headers["content-type"]) == (path, 200, TYPES[Path(path).suffix])
        assert "immutable" in reply.headers["cache-control"], path
        assert reply.headers["x-content-type-options"] == "nosniff"
        if Path(path).suffix in COMPRESSED:
            assert (path, reply.headers.get("content-encoding")) == (path, "br")
            assert reply.headers["vary"] == "Accept-Encoding"
            assert reply.headers["content-length"] == str(len(reply.body))


@pytest.mark.parametrize("name", PAGES)
def test_no_file_of_a_build_is_left_over(live, name):
    """Each is named by the page or by one of its files: so all of them have been asked for above."""
    assert files_of(page_of(live, name), name) == built(name)


def test_the_first_view_is_small(live):
    """The page, and all that it loads to show the sign-in form: HTML, script, styles and icon; there are no fonts."""
    page = get(live, "/sign-in", Accept="text/html").body
    first = imported(named_in(page.decode(), "app"))
    account = {path for path in built("app") if "/signed-in-" in path}

    assert {Path(path).suffix for path in first} == {".css", ".js", ".svg"}
    assert len(page) + as_sent(live, first) <= FIRST_VIEW
    assert len(account) == 1
    assert as_sent(live, imported(account) - first) <= ACCOUNT


def test_pages_are_revalidated(live):
    """They name the files of the newest build. The page of a signed-in service is not stored at all."""
    assert get(live, "/", Accept="text/html").headers["cache-control"] == "no-cache"
    assert get(live, "/graphql", Accept="text/html").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("accept", ["*/*", "text/html"])
@pytest.mark.parametrize("file", ["index-AAAAAAAA.js", "../index-AAAAAAAA.css", "AAAAAAAA.js.br", ""])
def test_a_name_that_looks_hashed_is_not_cached(live, file, accept):
    """The next build may have a file of this name."""
    reply = get(live, f"/static/app/assets/{file}", Accept=accept, Accept_Encoding="br")

    assert reply.status == 404
    assert reply.headers["cache-control"] in {"no-store", "no-cache"}
    assert "content-encoding" not in reply.headers


def a_script(live: Live) -> str:
    """The path of the front end's script."""
    return next(path for path in named_in(page_of(live, "app"), "app") if path.endswith(".js"))


def test_each_client_gets_an_encoding_that_it_reads(live):
    """Gzip has the content of the file, and is not compressed twice."""
    path = a_script(live)
    plain = get(live, path)
    zipped = get(live, path, Accept_Encoding="gzip")

    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == zipped.headers["vary"] == "Accept-Encoding"
    assert zipped.headers["content-encoding"] == "gzip"
    assert gzip.decompress(zipped.body) == plain.body == (DIST / path.removeprefix("/static/")).read_bytes()


def test_head_and_conditional_requests_have_no_body(live):
    """With the headers of GET."""
    path = a_script(live)
    got = get(live, path, Accept_Encoding="br")
    head = get(live, path, "HEAD", Accept_Encoding="br")
    same = get(live, path, Accept_Encoding="br", If_None_Match=got.headers["etag"])

    assert (head.status, head.body) == (200, b"")
    assert head.headers.items() - got.headers.items() <= {(n, head.headers[n]) for n in ("date", "x-request-id")}
    assert head.headers.keys() == got.headers.keys()
    assert (same.status, same.body) == (304, b"")
    for name in ("cache-control", "etag", "vary"):
        assert same.headers[name] == got.headers[name]


@pytest.mark.parametrize("range_", ["bytes=0-0", "bytes=5-9", "bytes=99999999-"])
def test_a_range_gets_the_whole_file(live, range_):
    """Allowed always (RFC 9110 §14.2), and never a mixture of two contents."""
    path = a_script(live)
    reply = get(live, path, Accept_Encoding="br", Range=range_, If_Range='"of another build"')

    assert reply.status == 200
    assert "content-range" not in reply.headers
    assert reply.body == get(live, path, Accept_Encoding="br").body


def test_the_admin_has_its_styles(live):
    """From its package, or compressed where they were collected; revalidated, since the name stays."""
    page = get(live, "/admin/login/", Accept="text/html").body.decode()
    styles = re.findall(r'href="(/static/admin/[^"]+\.css)"', page)

    assert styles
    for path in styles:
        reply = get(live, path, Accept_Encoding="br, gzip")
        assert (path, reply.status) == (path, 200)
        assert reply.headers["cache-control"] == "max-age=60, public"
        if "DJANGO_SETTINGS_MODULE" in live.environment:
            assert reply.headers["content-encoding"] == "gzip"


def test_files_of_a_former_build_outlive_it_where_they_are_collected(live):
    """For tabs that were open while the service was deployed. Elsewhere the page reloads: src/lazily.tsx."""
    reply = get(live, FORMER)

    if "DJANGO_SETTINGS_MODULE" in live.environment:
        assert (reply.status, reply.body) == (200, b"// a part of the former build")
        assert "immutable" in reply.headers["cache-control"]
    else:
        assert reply.status == 404


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_no_file(live, name):
    """S81: its view sends it, with its policy, and only where it is switched on."""
    for suffix in ("", ".br", ".gz"):
        assert get(live, f"/static/{name}/index.html{suffix}").status == 404


@pytest.mark.parametrize("refused", ["br;q=0", "gzip;q=1, br ; q=0.000", "BR;Q=0,deflate"])
def test_no_client_gets_an_encoding_that_it_refuses(live, refused):
    """RFC 9110 §12.5.3."""
    assert get(live, a_script(live), Accept_Encoding=refused).headers.get("content-encoding") != "br"


@pytest.mark.parametrize("development", [True, False])
def test_a_page_changes_with_its_files(settings, tmp_path, development):
    """In development each build shows at once; in production at the next start, when its files are listed too."""
    settings.DEVELOPMENT = development
    file = tmp_path / "app" / "index.html"
    file.parent.mkdir()
    file.write_text('<script src="./assets/old.js">')
    page = BuiltPage(file)
    file.write_text('<script src="./assets/new.js">')

    assert page.html == f'<script src="/static/app/assets/{"new" if development else "old"}.js">'


@pytest.mark.django_db  # the end of a response may look at the connection
def test_collected_files_come_first(settings, tmp_path, rf):
    """They stay where they are while a build replaces its own."""
    settings.WHITENOISE_AUTOREFRESH = False
    settings.STATIC_ROOT = tmp_path
    (tmp_path / "admin" / "css").mkdir(parents=True)
    (tmp_path / "admin" / "css" / "base.css").write_text("collected")
    middleware = StaticFilesMiddleware(lambda _request: HttpResponse(status=404))

    with contextlib.closing(middleware(rf.get("/static/admin/css/base.css"))) as response:
        assert response.getvalue() == b"collected"
    assert middleware(rf.head("/static/admin/css/login.css")).status_code == 200


@pytest.mark.django_db  # the end of a response may look at the connection
def test_a_file_that_is_gone_is_404(settings, tmp_path, rf):
    """A build that replaces its files, before the service starts anew, makes no error of each open tab's request."""
    settings.WHITENOISE_AUTOREFRESH = False
    settings.STATIC_ROOT = tmp_path
    file = tmp_path / "part.js"
    file.write_text("// former")
    middleware = StaticFilesMiddleware(lambda _request: HttpResponse(status=404))
    file.unlink()

    assert middleware(rf.get("/static/part.js")).status_code == 404

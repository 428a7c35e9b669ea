"""Reads DATABASE_URL, CACHE_URL and EMAIL_URL.

Parts may be percent-encoded. A pasted password without `%` works too.
"""

import re
from collections.abc import Callable
from itertools import zip_longest
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

SQLITE = "django.db.backends.sqlite3"
POSTGRESQL = "django.db.backends.postgresql"
POSTGRESQL_SCHEMES = {"postgres", "postgresql", "psql", "pgsql"}
REDIS_SCHEMES = {"redis": "redis", "rediss": "rediss", "rediscache": "redis", "valkey": "redis", "valkeys": "rediss"}
SENTINEL_SCHEMES = {"redis+sentinel": False, "rediss+sentinel": True}
"""Whether Redis and its Sentinels are spoken to over TLS."""
SENTINEL_PORT = 26379
REDIS = "django.core.cache.backends.redis.RedisCache"
OTHER_CACHES = {
    "locmemcache": "django.core.cache.backends.locmem.LocMemCache",
    "dummycache": "django.core.cache.backends.dummy.DummyCache",
    "filecache": "django.core.cache.backends.filebased.FileBasedCache",
    "dbcache": "django.core.cache.backends.db.DatabaseCache",
}
TEXT_OPTIONS = {"username", "password", "client_name", "sentinel_username", "sentinel_password"}
SMTP, OUTBOX = "accounts.mails.smtp.Backend", "project.outbox.OutboxBackend"
PRINTING_BACKENDS = {OUTBOX, "django.core.mail.backends.console.EmailBackend"}
SUBMISSION_PORT, SUBMISSIONS_PORT, RELAY_PORT = 587, 465, 25
LOCAL_SERVERS = {"localhost", "127.0.0.1", "::1"}

_HOST = r"(?:\[[^][@/?\#]*\]|[^]:@/?\#,[]*)(?::[0-9]*)?"


def _pattern(password: str) -> re.Pattern[str]:
    return re.compile(
        rf"""(?P<scheme>[a-z+]+)://
        (?:(?P<user>[^:/?\#]*)(?::(?P<password>{password}))?@)?
        (?P<hosts>{_HOST}(?:,{_HOST})*)
        (?:/(?P<path>[^?\#]*))?
        (?:\?(?P<query>[^\#]*))?""",
        re.VERBOSE | re.DOTALL,
    )


ENCODED, PASTED = _pattern(r"[^/?\#]*"), _pattern(r".*?")
"""The URL of RFC 3986, and one whose password has any characters."""


class BadURL(ValueError):
    """The URL cannot be used. The message is a predicate of the variable, without the URL."""


class Server(NamedTuple):
    """The parts of a URL that names one server or several."""

    scheme: str
    user: str
    password: str
    hosts: list[tuple[str, str]]
    """Address, without brackets, and port."""
    path: str
    query: dict[str, str]


def database(url: str) -> dict[str, Any]:
    """An entry of Django's DATABASES. Raises BadURL."""
    scheme = url.partition(":")[0]
    if scheme == "sqlite":
        return {"ENGINE": SQLITE, "NAME": _sqlite_file(url)}
    if scheme not in POSTGRESQL_SCHEMES:
        raise BadURL("begins with neither postgres:// nor sqlite://.")
    server = _server(url)
    folder, _, name = server.path.rpartition("/")
    options: dict[str, Any] = {key: _number_or_text(text) for key, text in server.query.items()}
    hosts, ports = zip(*server.hosts, strict=True)
    config: dict[str, Any] = {
        "ENGINE": POSTGRESQL,
        "NAME": name,
        "USER": server.user,
        "PASSWORD": server.password,
        # postgres:////var/run/postgresql/name
        "HOST": folder or ",".join(hosts),
        "PORT": ",".join(ports) if any(ports) else "",
    }
    if not name and "service" not in options:
        raise BadURL("names no database.")
    if "conn_max_age" in options:
        config["CONN_MAX_AGE"] = _seconds("conn_max_age", str(options.pop("conn_max_age")))
    for key in ("conn_health_checks", "disable_server_side_cursors"):
        if key in options:
            config[key.upper()] = _truth(key, str(options.pop(key)))
    for key, parse in DRIVER_OPTIONS.items():
        if key in options:
            options[key] = parse(key, str(options[key]))
    if options:
        config["OPTIONS"] = options
    return config


def cache(url: str) -> dict[str, Any]:
    """An entry of Django's CACHES. Raises BadURL."""
    scheme, _, rest = url.partition("://")
    options: dict[str, Any] = {}
    if scheme in SENTINEL_SCHEMES:
        server = _server(url)
        options = _sentinels(server)
        # Without user and password: operators see it.
        name, number = options["primary"], options["db"]
        config: dict[str, Any] = {"BACKEND": REDIS, "LOCATION": [f"{scheme}://{_addresses(server)}/{name}/{number}"]}
        query = server.query
    elif scheme in REDIS_SCHEMES or scheme == "unix":
        server = _server(url)
        config = {"BACKEND": REDIS, "LOCATION": _redis_locations(server)}
        query = server.query
    elif scheme in OTHER_CACHES:
        location, _, text = rest.partition("?")
        config = {"BACKEND": OTHER_CACHES[scheme], "LOCATION": _decoded(location)}
        query = _options(text)
    else:
        raise BadURL(
            "begins with none of redis://, rediss://, redis+sentinel://, rediss+sentinel://, unix://, locmemcache://,"
            " filecache://, dbcache://."
        )
    for key, value in query.items():
        if key == "timeout":
            config["TIMEOUT"] = _seconds(key, value)
        elif key in {"key_prefix", "key_function"}:
            config[key.upper()] = value
        elif key == "version":
            config["VERSION"] = _number_or_text(value)
        else:
            options[key] = value if key in TEXT_OPTIONS else _plain(value)
    if options:
        config["OPTIONS"] = options
    return config


def mail(url: str) -> dict[str, Any]:
    """Django's mail settings without their `EMAIL_`. Raises BadURL."""
    scheme, _, rest = url.partition("://")
    if scheme == "outbox":
        return {"BACKEND": OUTBOX, "FILE_PATH": _decoded(rest)}
    if scheme not in {"smtp", "smtps"}:
        raise BadURL("begins with none of smtp://, smtps://, outbox://.")
    server = _server(url)
    [(host, port), *others] = server.hosts
    if others or not re.fullmatch(r"[\w.:%-]+", host) or server.path.strip("/"):
        raise BadURL("takes one host, and nothing behind its port but ?starttls=true or false.")
    if server.query.keys() - {"starttls"} or (server.query and scheme == "smtps"):
        raise BadURL("takes no option but starttls, and none with smtps://.")
    if bool(server.user) != bool(server.password):
        # Django would not sign in, and the mail server would refuse each mail for good.
        raise BadURL("has a user without a password, or a password without a user.")
    encrypted = "true" if scheme == "smtp" and host.lower() not in LOCAL_SERVERS else "false"
    relay_or_submission = SUBMISSION_PORT if server.user else RELAY_PORT
    return {
        "BACKEND": SMTP,
        "HOST": host,
        "PORT": int(port or (SUBMISSIONS_PORT if scheme == "smtps" else relay_or_submission)),
        "HOST_USER": server.user,
        "HOST_PASSWORD": server.password,
        "USE_TLS": _truth("starttls", server.query.get("starttls", encrypted)),
        "USE_SSL": scheme == "smtps",
    }


def public_part_of_database(config: dict[str, Any]) -> str:
    """Which database it is, for operators to see."""
    if config["ENGINE"] == SQLITE:
        return f"sqlite:///{config['NAME']}"
    ports = config["PORT"].split(",")
    hosts = config["HOST"].split(",")
    servers = ",".join(f"{host}:{port}" if port else host for host, port in zip_longest(hosts, ports, fillvalue=""))
    return _unless_doubtful(f"postgres://{servers}/{config['NAME']}")


def public_part_of_cache(config: dict[str, Any]) -> str:
    """Which cache it is, for operators to see."""
    locations = config["LOCATION"] if isinstance(config["LOCATION"], list) else [config["LOCATION"]]
    if config["BACKEND"] == REDIS:
        # The user and password are percent-encoded there.
        return _unless_doubtful(",".join(re.sub("://[^/@]*@", "://", location) for location in locations))
    [scheme] = [scheme for scheme, backend in OTHER_CACHES.items() if backend == config["BACKEND"]]
    return f"{scheme}://{','.join(locations)}"


def public_part_of_mail(config: dict[str, Any]) -> str:
    """Which mail server it is, for operators to see."""
    if config["BACKEND"] == OUTBOX:
        return f"outbox://{config['FILE_PATH']}"
    return _unless_doubtful(f"{'smtps' if config['USE_SSL'] else 'smtp'}://{config['HOST']}:{config['PORT']}")


def _unless_doubtful(text: str) -> str:
    """The text, unless it may hold a part of a password that was not percent-encoded."""
    return "" if "@" in text else text


def _sqlite_file(url: str) -> str:
    if url in {"sqlite://:memory:", "sqlite://"}:
        return ":memory:"
    path = _decoded(url.removeprefix("sqlite:///"))
    if not url.startswith("sqlite:///") or not path:
        raise BadURL("takes sqlite:/// and the path of the file, sqlite://// for an absolute path.")
    if "?" in url:
        raise BadURL("takes no options for SQLite. Write %3F for a question mark in the path.")
    return path


def _sentinels(server: Server) -> dict[str, Any]:
    """The options of project.cache.SentinelPool, in place of the address of a Redis."""
    path = re.fullmatch(r"([A-Za-z0-9._-]+)(?:/([0-9]{1,5}))?/?", server.path)
    if path is None or not all(host for host, _port in server.hosts):
        raise BadURL("takes the Sentinels, the name of their primary and a database number: host,host/mymaster/0.")
    options = {
        "pool_class": "project.cache.SentinelPool",
        "sentinels": [(host, int(port or SENTINEL_PORT)) for host, port in server.hosts],
        "primary": path[1],
        "db": int(path[2] or 0),
        "username": server.user,
        "password": server.password,
        "ssl": SENTINEL_SCHEMES[server.scheme],
    }
    return {name: value for name, value in options.items() if value != ""}


def _addresses(server: Server) -> str:
    return ",".join(f"{_bracketed(host)}{f':{port}' if port else ''}" for host, port in server.hosts)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _redis_locations(server: Server) -> str | list[str]:
    if not any(host for host, _port in server.hosts):
        return f"unix://{_credentials(server)}/{quote(server.path)}"
    # redis-py would use database 0 instead of an invalid one.
    if not re.fullmatch(r"[0-9]{0,5}", server.path.removesuffix("/")):
        raise BadURL("takes a database number after the host.")
    locations = [
        f"{REDIS_SCHEMES[server.scheme]}://{_credentials(server)}{_bracketed(host)}"
        f"{f':{port}' if port else ''}/{server.path.removesuffix('/')}"
        for host, port in server.hosts
    ]
    return locations[0] if len(locations) == 1 else locations


def _credentials(server: Server) -> str:
    if not (server.user or server.password):
        return ""
    password = f":{quote(server.password, safe='')}" if server.password else ""
    return f"{quote(server.user, safe='')}{password}@"


def _server(url: str) -> Server:
    parts = ENCODED.fullmatch(url)
    if parts is None:
        parts = PASTED.fullmatch(url)
        # `%41` could be three characters or one.
        if parts is None or re.search("%[0-9a-fA-F]{2}", parts["password"] or ""):
            raise BadURL(
                "is not scheme://user:password@host:port/name. Percent-encode special characters in the password."
            )
    if parts["password"] == "" and "@" in (parts["path"] or ""):
        # Pasted, `@/` would begin a path, and leave no host.
        raise BadURL("has an empty password and an `@` in its path. Percent-encode special characters in the password.")
    hosts = []
    for address in parts["hosts"].split(","):
        host, port = re.fullmatch(r"(\[.*\]|[^:]*):?([0-9]*)", address).groups()  # type: ignore[union-attr]
        if port and not 0 < int(port[:6]) < 2**16:
            raise BadURL("has an invalid port.")
        hosts.append((_decoded(host.strip("[]")), port))
    return Server(
        scheme=parts["scheme"],
        user=_decoded(parts["user"] or ""),
        password=_decoded(parts["password"] or ""),
        hosts=hosts,
        path=_decoded(parts["path"] or ""),
        query=_options(parts["query"] or ""),
    )


def _options(query: str) -> dict[str, str]:
    """The options by lower-case name. `+` is a plus, as in libpq."""
    options = {}
    for pair in filter(None, query.split("&")):
        name, equals, value = pair.partition("=")
        if not equals:
            raise BadURL("has options that are not name=value.")
        options[_decoded(name).lower()] = _decoded(value)
    return options


def _decoded(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise BadURL("has percent-encoding that is not UTF-8.") from None


def _number_or_text(text: str) -> int | str:
    """A number if it prints as the same text."""
    return int(text) if re.fullmatch("0|[1-9][0-9]{0,9}", text) else text


def _plain(text: str) -> bool | float | int | str:
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    return float(text) if re.fullmatch(r"[0-9]+\.[0-9]+", text) else _number_or_text(text)


def _seconds(name: str, text: str) -> int | None:
    if text.lower() == "none":
        return None
    if not re.fullmatch("[0-9]{1,9}", text):
        raise BadURL(f"has a {name} that is not a number of seconds or none.")
    return int(text)


def _executions(name: str, text: str) -> int | None:
    if text.lower() == "none":
        return None
    if not re.fullmatch("[0-9]{1,9}", text):
        raise BadURL(f"has a {name} that is not a number or none.")
    return int(text)


def _truth(name: str, text: str) -> bool:
    if text.lower() not in {"true", "false", "1", "0"}:
        raise BadURL(f"has a {name} that is neither true nor false.")
    return text.lower() in {"true", "1"}


DRIVER_OPTIONS: dict[str, Callable[[str, str], Any]] = {
    "pool": _truth,
    "server_side_binding": _truth,
    "prepare_threshold": _executions,
}
"""Parsers of options that are neither numbers nor texts."""

"""What we borrow from libraries beside their documented interface. An upgrade that moves it fails here, with the cause.

Each entry is the reason, which is the failure's message, and a look at the library itself. `tests/test_fail_closed.py`
shows that no guard is lost before anybody has read it.
"""

import hashlib
import inspect
import io
import pkgutil
import re
import signal
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import strawberry
from django.conf import settings
from graphql import (
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLSyntaxError,
    get_operation_ast,
    get_variable_values,
    parse,
    validate,
    validate_input_value,
)
from strawberry.schema_directive import Location

from accounts.people.models import Account
from accounts.social.pipeline import PIPELINE
from project.cache import RedisCache
from project.request_log import Kept
from schema.http.responses import KNOWN_WORDS, NAME, redacted
from schema.language.gate import MAX_ERRORS, RULES_WITHOUT_INTROSPECTION, AdmittedOnly
from schema.root import schema

Check = Callable[[], object]

SIGN_IN = "mutation {{ tokenAuth(input: {}) {{ errors {{ code }} }} }}"


def it(path: str) -> Any:
    """The object at `module:attribute`, looked up when the check runs, so that it fails with its reason."""
    return pkgutil.resolve_name(path)


def source(path: str) -> str:
    """The library's code, without white space that a formatter may change."""
    return " ".join(inspect.getsource(it(path)).split())


def says(path: str, *texts: str) -> Check:
    """Whether the code at a path has all these texts."""
    return lambda: all(text in source(path) for text in texts)


def has(path: str, *names: str) -> Check:
    """Whether an object has all these attributes."""
    return lambda: all(hasattr(it(path), name) for name in names)


def takes(path: str, *names: str) -> Check:
    """Whether the first parameters are these, without `self`."""

    def check() -> bool:
        parameters = [name for name in inspect.signature(it(path)).parameters if name != "self"]
        return parameters[: len(names)] == list(names)

    return check


DOT = "oauth2_provider.oauth2_validators:OAuth2Validator"
CORE = "oauth2_provider.oauth2_backends:OAuthLibCore"
MODELS = "oauth2_provider.models"
OAUTHLIB = "oauthlib.oauth2.rfc6749"


def dot_stores_sha256() -> bool:
    """As `accounts.tokens.families.checksum` has it."""
    model = it(f"{MODELS}:get_access_token_model")()
    stored = model._meta.get_field("token_checksum").pre_save(model(token="abc"), True)
    return bool(stored == hashlib.sha256(b"abc").hexdigest())


def dot_caches_its_server() -> bool:
    """One object for all requests."""
    view = it("oauth2_provider.views:TokenView")
    return view.get_oauthlib_core() is view.get_oauthlib_core() and bool(view.get_oauthlib_core().server)


BORROWED_FROM_DOT_AND_OAUTHLIB: dict[str, Check] = {
    "DOT calls `_create_refresh_token` from `_save_bearer_token`: our Session row is created there": says(
        f"{DOT}._save_bearer_token", "self._create_refresh_token( request, refresh_token_code, access_token,"
    ),
    "DOT passes `_create_refresh_token` four values: our override passes them on": takes(
        f"{DOT}._create_refresh_token", "request", "refresh_token_code", "access_token", "previous_refresh_token"
    ),
    "DOT calls `_save_bearer_token` from `save_bearer_token`: a repeated refresh gets its pair there": says(
        f"{DOT}.save_bearer_token", "self._save_bearer_token(token, request,"
    ),
    "DOT answers a repeated refresh with the stored, blank token: `_save_bearer_token` then restores the pair": says(
        f"{DOT}._save_bearer_token", 'token["access_token"] = previous_access_token.token'
    ),
    "DOT finds clients through `_load_application`: a NUL in a client_id is refused there": says(
        f"{DOT}.validate_client_id", "self._load_application(client_id, request)"
    ),
    "DOT loads clients of the body through `_load_application` too": says(
        f"{DOT}.authenticate_client_id", "self._load_application(client_id, request)"
    ),
    "DOT reads Basic credentials through `_extract_basic_auth`: ours takes any case and no broken base64": says(
        f"{DOT}._authenticate_basic_auth", "self._extract_basic_auth(request)"
    ),
    "DOT takes the URI through `_get_escaped_full_path`: ours leaves the query out": says(
        f"{CORE}._extract_params", "self._get_escaped_full_path(request)"
    ),
    "DOT takes the form through `extract_body`: ours leaves unknown parameters out": says(
        f"{CORE}._extract_params", "self.extract_body(request)"
    ),
    "DOT rotates under the same row lock that it takes last: ours comes before": says(
        f"{DOT}._save_bearer_token", "RefreshToken.objects.select_for_update().get("
    ),
    "DOT finds tokens by the SHA-256 of their text: `checksum` computes the same": dot_stores_sha256,
    "DOT counts the grace period from `revoked`: a lost answer is repeated by writing it (S68)": says(
        f"{DOT}.validate_refresh_token", "grace_expired = rt.revoked <= timezone.now() - timedelta("
    ),
    "DOT numbers access tokens by a sequence: a Session remembers by that number which one was not used (S68)": (
        lambda: it(f"{MODELS}:AbstractAccessToken")._meta.get_field("id").get_internal_type() == "BigAutoField"
    ),
    "DOT links a pair to its predecessor by `source_refresh_token`: a replay is judged by it": lambda: it(
        f"{MODELS}:AbstractAccessToken"
    )._meta.get_field("source_refresh_token"),
    "DOT keeps `token_family` on refresh tokens: a Session is found by it": lambda: it(
        f"{MODELS}:AbstractRefreshToken"
    )._meta.get_field("token_family"),
    "DOT keeps the target of RFC 8707 in `resource`: a token for another API is refused by it": lambda: it(
        f"{MODELS}:AbstractAccessToken"
    )._meta.get_field("resource"),
    "DOT has `revoke_family`: ending a session ends its tokens by it": takes(
        f"{MODELS}:AbstractRefreshToken.revoke_family", "token_family"
    ),
    "DOT caches its server object on the class: `server()` is the one that `/o/token/` uses": dot_caches_its_server,
    "DOT maps `refresh_token` to grant types: clients are admitted by it": lambda: (
        "authorization-code" in it("oauth2_provider.oauth2_validators:GRANT_TYPE_MAPPING")["refresh_token"]
    ),
    "DOT puts the code's scopes on the request: `validate_code` narrows them (S60)": says(
        f"{DOT}.validate_code", "request.scopes = "
    ),
    "DOT asks the scopes back end with the application: `account` is for our own clients by it (S60)": takes(
        "oauth2_provider.scopes:SettingsScopes.get_available_scopes", "application", "request"
    ),
    "DOT makes a client secret as the field's default: the administration replaces a secret by it": lambda: (
        len(it(f"{MODELS}:AbstractApplication")._meta.get_field("client_secret").get_default()) == 128
    ),
    "oauthlib has the grants as attributes of its server: `TokenServer` offers three of them": says(
        f"{OAUTHLIB}.endpoints.pre_configured:Server.__init__",
        "self.auth_grant = ",
        "self.credentials_grant = ",
        "self.refresh_grant = ",
        " token_expires_in=None",
    ),
    "oauthlib finds a grant in `grant_types`: those that `TokenServer` leaves out are refused (S27)": says(
        f"{OAUTHLIB}.endpoints.token:TokenEndpoint.create_token_response", "self.grant_types.get("
    ),
    "oauthlib prepares `scopes` before a grant runs: `oauthlib_request` does it in its place": says(
        f"{OAUTHLIB}.endpoints.token:TokenEndpoint.create_token_response",
        "request.scopes = ",
    ),
    "oauthlib returns the refusals of a grant: raised, they would undo the revocation of a family (S17)": says(
        f"{OAUTHLIB}.grant_types.refresh_token:RefreshTokenGrant.create_token_response",
        "except errors.OAuth2Error as e:",
        "return headers, e.json, e.status_code",
    ),
    "oauthlib's `create_token` stores nothing: `_new_pair` calls `save_token` after it": lambda: (
        "save_token("
        not in source(f"{OAUTHLIB}.tokens:BearerToken.create_token").replace("request_validator.save_token()", "")
    ),
    "oauthlib makes tokens by its generators: successors are derived there": says(
        f"{OAUTHLIB}.tokens:BearerToken.create_token",
        "self.token_generator(request)",
        "self.refresh_token_generator(request)",
    ),
}


def marked_schema() -> Any:
    """A schema of one field that carries a directive."""

    @strawberry.schema_directive(locations=[Location.FIELD_DEFINITION])
    class Mark:
        """A directive."""

    @strawberry.type
    class Query:
        """A root."""

        @strawberry.field(directives=[Mark()])
        def a(self) -> int:
            """A field."""
            return 1

    return strawberry.Schema(query=Query, execution_context_class=AdmittedOnly)


def strawberry_keeps_directives() -> bool:
    """Where `declares` looks for them."""
    key = it("strawberry.schema.schema_converter:GraphQLCoreConverter").DEFINITION_BACKREF
    definition = marked_schema()._schema.query_type.fields["a"].extensions[key]
    return key == "strawberry-definition" and len(definition.directives) == 1


def strawberry_runs_by_our_executor() -> bool:
    """Which refuses what no gate has admitted."""
    context = SimpleNamespace(admitted=None)
    result = marked_schema().execute_sync("{ a }", context_value=context)
    return result.data is None and "has not admitted" in result.errors[0].message


def strawberry_calls_what_a_field_declares() -> bool:
    """As `schema.language.resolvers` does, without the calls between."""
    field = marked_schema()._schema.query_type.fields["a"]
    definition = field.extensions["strawberry-definition"]
    return definition.extensions == [] and definition.base_resolver.wrapped_func(None) == 1 == field.resolve(None, None)


BORROWED_FROM_STRAWBERRY: dict[str, Check] = {
    "Strawberry has graphql-core's schema in `_schema`: documents are validated against it": lambda: it(
        "graphql:is_schema"
    )(marked_schema()._schema),
    "Strawberry runs operations by `execution_context_class`: AdmittedOnly refuses what no gate has admitted (S41)": (
        strawberry_runs_by_our_executor
    ),
    "Strawberry keeps a field's directives in its definition: @anonymous and @credential are read there (S23, S39)": (
        strawberry_keeps_directives
    ),
    "Strawberry logs values that were sent under `strawberry.execution`: LOGGING switches that logger off (S47)": (
        lambda: it("strawberry.utils.logging:StrawberryLogger").logger.name in settings.LOGGING["loggers"]
    ),
    "Strawberry calls a field's `base_resolver` and `extensions`, or reads its attribute: `resolvers` does so itself": (
        strawberry_calls_what_a_field_declares
    ),
    "strawberry-django reads the attribute `django_name` or `python_name`": says(
        "strawberry_django.fields.field:StrawberryDjangoField.get_result",
        "attname = self.django_name or self.python_name",
    ),
    "strawberry-django marks relations by `is_relation`: their query sets are left to it": says(
        "strawberry_django.fields.base:StrawberryDjangoFieldBase.__init__", "self.is_relation = False"
    ),
}


def compiled_sql_can_be_reused() -> bool:
    """As `accounts.shared.statements` does it; `select` holds triples that begin with the column."""
    compiler = Account.objects.filter(email="").values_list("pk").query.get_compiler("default")
    sql, parameters = compiler.as_sql()
    return (
        sql.count("%s") == len(parameters) == 1
        and isinstance(compiler.get_converters([column[0] for column in compiler.select]), dict)
        and callable(compiler.apply_converters)
    )


def django_reads_media_types() -> bool:
    """With its quality."""
    range_ = it("django.http.request:MediaType")("a/b; q=0.5")
    return bool((range_.main_type, range_.sub_type, range_.quality) == ("a", "b", 0.5))


def django_reads_what_kept_keeps() -> bool:
    """Also for the log, which searches it for secrets (S47)."""
    form = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n'
    found = []
    for kind, body in (("application/x-www-form-urlencoded", b"a=b"), ("multipart/form-data; boundary=x", form)):
        stream = Kept(io.BytesIO(body), len(body))
        environ = {"REQUEST_METHOD": "POST", "CONTENT_TYPE": kind, "CONTENT_LENGTH": str(len(body))}
        request = it("django.core.handlers.wsgi:WSGIRequest")({**environ, "wsgi.input": stream})
        found.append(request.POST["a"] == "b" and request.META["wsgi.input"].content() == body)
    return all(found)


def redis_methods_are_ours() -> bool:
    """Each public method of Django's cache that speaks to Redis."""
    theirs = {
        name
        for name, member in vars(it("django.core.cache.backends.redis:RedisCache")).items()
        if inspect.isfunction(member) and not name.startswith("_") and "self._cache" in inspect.getsource(member)
    }
    return bool(theirs) and theirs <= vars(RedisCache).keys()


BORROWED_FROM_DJANGO: dict[str, Check] = {
    "Django's SQL compiler can be asked for SQL and converters once: the look-up of a Bearer keeps them": (
        compiled_sql_can_be_reused
    ),
    "Django reads a body by `read` and `readline` of `wsgi.input` only: Kept and Bounded have no more": (
        django_reads_what_kept_keeps
    ),
    "Django keeps the administration's pages in `_registry`: deleting an account takes read-only rows along": has(
        "django.contrib.admin:site", "_registry"
    ),
    "Django names models that may not be deleted by `verbose_name`: TakesAlong takes them off the list": says(
        "django.contrib.admin.utils:get_deleted_objects", "perms_needed.add(opts.verbose_name)"
    ),
    "Django deletes inline rows by `delete_existing`: the sessions of an account end there": says(
        "django.forms.models:BaseModelFormSet.save_existing_objects", "self.delete_existing(obj, commit=commit)"
    ),
    "Django's `verify_password` says whether a hash is right and whether it is outdated": lambda: (
        it("django.contrib.auth.hashers:verify_password")("x", "!") == (False, False)
    ),
    "Django reads Argon2's cost off the hasher at each use: ours is a property": says(
        "django.contrib.auth.hashers:Argon2PasswordHasher.params",
        "self.time_cost",
        "self.memory_cost",
        "self.parallelism",
    ),
    "Django asks for `get_session_auth_hash`: sessions of the administration end by it (S82)": says(
        "django.contrib.auth:get_user", "session_auth_hash = user.get_session_auth_hash()"
    ),
    "Django's sessions find their row in these methods: ours hash the key in each (S15)": has(
        "django.contrib.sessions.backends.db:SessionStore", "load", "exists", "create_model_instance", "delete"
    ),
    "Django's MediaType has type, subtype and quality: `Accept` is read by it": django_reads_media_types,
    "Django's Redis cache has the client in `_cache.get_client`: limits run their scripts by it (S52)": takes(
        "django.core.cache.backends.redis:RedisCacheClient.get_client", "key", "write"
    ),
    "Django's Redis cache builds a client at each call, by `_get_connection_pool` and `_client`: ours keeps it": says(
        "django.core.cache.backends.redis:RedisCacheClient.get_client",
        "self._get_connection_pool(write)",
        "self._client(connection_pool=pool)",
    ),
    "Django's `log_response` logs an answer once": takes("django.utils.log:log_response", "message"),
    "Django's ValidationError gathers others by `update_error_dict`": has(
        "django.core.exceptions:ValidationError", "update_error_dict"
    ),
    "Django's models word what is taken by `unique_error_message`": takes(
        "django.db.models:Model.unique_error_message", "model_class", "unique_check"
    ),
    "Django's Redis cache speaks to Redis in methods that ours has too: a new one would fail with Redis": (
        redis_methods_are_ours
    ),
    "Django takes connections from `pool` in `get_new_connection`: ours replaces the broken ones there": says(
        "django.db.backends.postgresql.base:DatabaseWrapper.get_new_connection", "connection = self.pool.getconn()"
    ),
    "Django reads the pool's options at each look at `pool`: project.serve and manage.py switch it off": says(
        "django.db.backends.postgresql.base:DatabaseWrapper.pool.fget", 'self.settings_dict["OPTIONS"].get("pool")'
    ),
    "Django configures each connection of the pool in `_configure_connection`: ours limits its statements there": says(
        "django.db.backends.postgresql.base:DatabaseWrapper.pool.fget", "configure=self._configure_connection"
    ),
    "Django gives connections back to the pool in `_close`: ours replaces all, if one was broken": says(
        "django.db.backends.postgresql.base:DatabaseWrapper._close", "self.connection._pool.putconn"
    ),
    "Psycopg's connections wait in `wait`, with a `timeout`: ours give it one": takes(
        "psycopg:Connection.wait", "gen", "interval", "timeout"
    ),
    "Psycopg's `wait` raises `_WaitTimeout` after that time": says(
        "psycopg.waiting:wait_poll", "deadline = monotonic() + timeout", "raise e._WaitTimeout"
    ),
    "Django names the class of its cursors among the parameters: ours prepares statements again": says(
        "django.db.backends.postgresql.base:DatabaseWrapper.get_connection_params", '"cursor_factory"'
    ),
}

GUNICORN = "gunicorn.workers.gthread:ThreadWorker"
ARBITER = "gunicorn.arbiter:Arbiter"
SOCIAL = "social_core"

BORROWED_FROM_OTHERS: dict[str, Check] = {
    "gunicorn asks `is_parent_alive` in the loop of its threaded worker: ours frees the port there": says(
        f"{GUNICORN}.run", "if not self.is_parent_alive(): break", "while self.alive:"
    ),
    "gunicorn stops accepting by `set_accept_enabled`, over `sockets`": says(
        f"{GUNICORN}.set_accept_enabled", "for listener in self.sockets:"
    ),
    "gunicorn's master looks up the handler of each signal by name: ours drain at SIGTERM": says(
        f"{ARBITER}.run", 'getattr(self, "handle_%s" % signame, None)', "except (StopIteration, KeyboardInterrupt):"
    ),
    "gunicorn's master queues signals in SIG_QUEUE: a second SIGTERM counts as SIGQUIT": says(
        f"{ARBITER}.signal", "self.SIG_QUEUE.put_nowait(sig)"
    ),
    "gunicorn's master knows SIGALRM by name: it ends the drain": lambda: (
        it(f"{ARBITER}.SIG_NAMES")[signal.SIGALRM] == "alrm"
    ),
    "gunicorn's master waits for `graceful_timeout` of its settings": says(
        f"{ARBITER}.stop", "self.cfg.graceful_timeout"
    ),
    "gunicorn's master calls `on_starting` before it handles signals": says(
        f"{ARBITER}.start", "self.cfg.on_starting(self)"
    ),
    "gunicorn's requests are the last of their connection after `force_close`": says(
        "gunicorn.http.wsgi:Response.should_close", "self.req.should_close()"
    ),
    "gunicorn's threaded worker hands requests to threads by `enqueue_req`, and gets them back by `finish_request`": (
        lambda: (
            says(f"{GUNICORN}.enqueue_req", "self.tpool.submit(self.handle, conn)", "self.finish_request, conn, fut")()
            and takes(f"{GUNICORN}.finish_request", "conn", "fs")()
        )
    ),
    "gunicorn's threaded worker serves a connection by `handle`, which waits for nothing once it is initialized": says(
        f"{GUNICORN}.handle", "if not conn.initialized and not conn.data_ready:", "req = next(conn.parser)"
    ),
    "gunicorn's connections do nothing in `init` once they are initialized": says(
        "gunicorn.workers.gthread:TConn.init", "if self.initialized: return"
    ),
    "gunicorn's loop watches `sockets` by `accept`, and counts connections in `nr_conns`": lambda: (
        says(f"{GUNICORN}.set_accept_enabled", "self.poller.register(listener, selectors.EVENT_READ, self.accept)")()
        and says(f"{GUNICORN}.run", "self.nr_conns < self.worker_connections", "while self.nr_conns > 0:")()
    ),
    "gunicorn's loop closes late connections by `murder_keepalived`, with `force` at its end": says(
        f"{GUNICORN}.run", "self.murder_keepalived()", "self.murder_keepalived(force=True)"
    ),
    "gunicorn's loop shortens the waiting at the stop by `_cap_keepalive`": says(
        f"{GUNICORN}.run", "self._cap_keepalive("
    ),
    "gunicorn's parser reads an iterable of pieces, and keeps what it has not used in `unreader`": says(
        "gunicorn.http.parser:Parser.__init__", 'hasattr(source, "recv")', "IterUnreader(source)"
    ),
    "gunicorn drains a body without a socket, if the source is none": says(
        "gunicorn.http.parser:Parser.finish_body", 'sock = getattr(self.unreader, "sock", None)'
    ),
    "gunicorn sends `100 Continue` for requests with `_expected_100_continue`: we have sent it": says(
        "gunicorn.http.wsgi:create", "if req._expected_100_continue:"
    ),
    "gunicorn's responses write to their socket by these methods: ours have them": lambda: (
        set(
            re.findall(
                r"sock\.(\w+)\(",
                source("gunicorn.http.wsgi")
                + source("gunicorn.util:write")
                + source("gunicorn.util:write_chunk")
                + source("gunicorn.util:write_nonblock"),
            )
        )
        <= {*dir(it("project.outgoing:Outgoing"))}
    ),
    "gunicorn's listeners have no `sock` once they are closed": says(
        "gunicorn.sock:BaseSocket.close", "self.sock = None"
    ),
    "gunicorn marks de-chunked bodies `wsgi.input_terminated`: they are read to their end": says(
        "gunicorn.http.wsgi:base_environ", '"wsgi.input_terminated": True'
    ),
    "gunicorn's body has `read` and `readline`": has("gunicorn.http.body:Body", "read", "readline"),
    "gunicorn's parser raises no OSError for a broken body: Bounded turns its errors into one": lambda: (
        not issubclass(it("gunicorn.http.errors:ParseException"), OSError)
    ),
    "gunicorn has the settings that project/gunicorn.py names": lambda: (
        {"control_socket_disable", "forwarded_allow_ips", "graceful_timeout", "limit_request_fields"}
        <= {setting.name for setting in it("gunicorn.config:KNOWN_SETTINGS")}
    ),
    "Python's HTTPResponse uses `makefile` of a socket only: the reader with a deadline has no more": lambda: (
        source("http.client:HTTPResponse").count("sock.") == 1
        and 'sock.makefile("rb")' in source("http.client:HTTPResponse.__init__")
    ),
    "social-core's strategy asks for settings, request data and absolute URIs: ours has these three": lambda: all(
        "NotImplementedError" in source(f"{SOCIAL}.strategy:BaseStrategy.{name}")
        for name in ("get_setting", "get_request_data", "build_absolute_uri")
    ),
    "social-core's strategy needs no request: ours passes the storage alone": takes(
        f"{SOCIAL}.strategy:BaseStrategy.__init__", "storage", "tpl"
    ),
    "social-core runs a list of steps by `run_pipeline`": takes(
        f"{SOCIAL}.backends.base:BaseAuth.run_pipeline", "pipeline", "pipeline_index"
    ),
    "social-core asks a back end who somebody is by `get_user_id`: it is the subject, never an address (S31)": says(
        f"{SOCIAL}.pipeline.social_auth:social_uid", "get_user_id("
    ),
    "social-core looks for older identities by `get_legacy_user_identifiers`: ours has none (S31)": says(
        f"{SOCIAL}.pipeline.social_auth:social_uid", "backend.get_legacy_user_identifiers(details, response)"
    ),
    "social-core asks `auth_allowed` of the back end: ours counts verified addresses only (S32)": says(
        f"{SOCIAL}.pipeline.social_auth:auth_allowed", "backend.auth_allowed("
    ),
    "social-core's errors have a `code`: the log names it": says(
        f"{SOCIAL}.exceptions:SocialAuthBaseException.__init__", "self.code = "
    ),
    "social-app-django keeps an identity's key in `id_key`": lambda: it(
        "social_django.models:UserSocialAuth"
    )._meta.get_field("id_key"),
    **{
        f"The step {step} of a sign-in exists: its absence would be met at the first one": lambda step=step: callable(
            it(f"{step.rpartition('.')[0]}:{step.rpartition('.')[2]}")
        )
        for step in PIPELINE
    },
}


def graphql_core_counts_tokens() -> bool:
    """As `gate._size` does, comments too."""
    token, found = parse("{ a } # b").loc.start_token, 0
    while token:
        token, found = token.next, found + 1
    return found == len(["<SOF>", "{", "a", "}", "# b", "<EOF>"])


def graphql_core_runs_the_node_that_we_choose() -> bool:
    """AdmittedOnly compares them by identity."""
    document = parse("query A { __typename } query B { __typename }")
    executor = it("graphql:Executor").build(marked_schema()._schema, document, operation_name="B", context_value=5)
    return executor.operation is get_operation_ast(document, "B") and executor.context_value == 5


def graphql_core_stops_at_too_many_tokens() -> bool:
    """`gate` recognises this message, to name the limit."""
    with pytest.raises(GraphQLSyntaxError, match=r"tokens\. Parsing aborted"):
        parse("{ a b c }", max_tokens=2)
    return True


def graphql_core_takes_the_mark_of_one_of() -> bool:
    """`schema.root` sets it on types that Strawberry has made."""
    one = GraphQLInputObjectType("I", {"a": GraphQLInputField(GraphQLInt)})
    one.is_one_of = True
    found: list[Any] = []
    validate_input_value({}, one, lambda error, _path: found.append(error))
    return len(found) == 1


BORROWED_FROM_GRAPHQL_CORE: dict[str, Check] = {
    "graphql-core links the tokens of a document: the cache weighs it by them (S92)": graphql_core_counts_tokens,
    "graphql-core executes the very node of the document: AdmittedOnly knows it again": (
        graphql_core_runs_the_node_that_we_choose
    ),
    "graphql-core says when there are too many tokens": graphql_core_stops_at_too_many_tokens,
    "graphql-core checks @oneOf where `is_one_of` is set later": graphql_core_takes_the_mark_of_one_of,
}

BORROWED = (
    BORROWED_FROM_DOT_AND_OAUTHLIB
    | BORROWED_FROM_STRAWBERRY
    | BORROWED_FROM_GRAPHQL_CORE
    | BORROWED_FROM_DJANGO
    | BORROWED_FROM_OTHERS
)


@pytest.mark.parametrize("reason", BORROWED)
def test_a_library_still_has_what_we_borrow(reason):
    """One assertion for each."""
    try:
        holds = BORROWED[reason]()
    except Exception as error:
        error.add_note(f"No more: {reason}.")
        raise
    assert holds, f"No more: {reason}."


DOCUMENTS = {
    "{ mee { id } }": "Cannot query field 'mee' on type 'Query'. Did you mean 'me'?",
    "{ users(firs: 1) { nodes { id } } }": "Unknown argument 'firs' on field 'Query.users'. Did you mean 'first'?",
    "{ me { ... on Accoun { id } } }": "Unknown type 'Accoun'. Did you mean 'Account'?",
    "{ node(id: 1) { username } }": (
        "Cannot query field 'username' on type 'Node'. Did you mean to use an inline fragment on 'Account' or 'User'?"
    ),
    "{ me @skp { id } }": "Unknown directive '@skp'.",
    "{ me @skip { id } }": "Argument '@skip(if:)' of type 'Boolean!' is required, but it was not provided.",
    "{ me @skip(if: true, of: 1) { id } }": "Unknown argument 'of' on directive '@skip'. Did you mean 'if'?",
    "{ node { id } }": "Argument 'Query.node(id:)' of type 'ID!' is required, but it was not provided.",
    "{ me }": "Field 'me' of type 'Account' must have a selection of subfields. Did you mean 'me { ... }'?",
    "{ me { id { a } } }": "Field 'id' must not have a selection since type 'ID!' has no subfields.",
    "{ me { a: id a: email } }": "Fields 'a' conflict because 'id' and 'email' are different fields.",
    "{ me { a: id } me { a: email } }": "Fields 'me' conflict.",
    "{ node(id: 1) { id } node(id: 2) { id } }": "Fields 'node' conflict because they have differing arguments.",
    "{ node(id: 1) { ... on Account { a: email } ... on User { a: dateJoined } } }": (
        "Fields 'a' conflict because they return conflicting types 'String!' and 'DateTime!'."
    ),
    "{ __typename } fragment F on Query { __typename }": ("Fragment 'F' is never used."),
    "{ ...F } fragment F on User { id }": (
        "Fragment 'F' cannot be spread here as objects of type 'Query' can never be of type 'User'."
    ),
    "{ ... on User { id } }": "Fragment cannot be spread here as objects of type 'Query' can never be of type 'User'.",
    "{ me { ...F } } fragment F on ID { a }": "Fragment 'F' cannot condition on non composite type 'ID'.",
    "{ me { ... on ID { a } } }": "Fragment cannot condition on non composite type 'ID'.",
    "{ ...F } fragment F on Query { ...F }": "Cannot spread fragment 'F' within itself.",
    "{ ...G }": "Unknown fragment 'G'.",
    "{ __typename } type A { a: Int }": "The 'A' definition is not executable.",
    "{ __typename } schema { query: A }": "The schema definition is not executable.",
    "subscription { a }": "The subscription operation is not supported by the schema.",
    "query @skip(if: true) { __typename }": "Directive '@skip' may not be used on query.",
    "{ ...F } fragment F on Query @skip(if: true) { __typename }": (
        "Directive '@skip' may not be used on fragment definition."
    ),
    "{ me @skip(if: true) @skip(if: true) { id } }": "The directive '@skip' can only be used once at this location.",
    "{ node(id: 1, id: 2) { id } }": "There can be only one argument named 'id'.",
    "query A { __typename } query A { __typename }": "There can be only one operation named 'A'.",
    "{ __typename } query A { __typename }": "This anonymous operation must be the only defined operation.",
    "query ($a: ID!, $a: ID!) { node(id: $a) { id } }": "There can be only one variable named '$a'.",
    "query ($a: Node) { __typename }": "Variable '$a' cannot be non-input type 'Node'.",
    "query A { node(id: $a) { id } }": "Variable '$a' is not defined by operation 'A'.",
    "{ node(id: $a) { id } }": "Variable '$a' is not defined.",
    "query A($a: ID) { __typename }": "Variable '$a' is never used in operation 'A'.",
    "query ($a: ID) { __typename }": "Variable '$a' is never used.",
    "query ($a: ID) { node(id: $a) { id } }": "Variable '$a' of type 'ID' used in position expecting type 'ID!'.",
    "{ users(first: VALUE) { nodes { id } } }": "Int cannot represent non-integer value.",
    "{ users(first: 99999999999) { nodes { id } } }": "Int cannot represent non 32-bit signed integer value.",
    "{ users(after: VALUE) { nodes { id } } }": "String cannot represent a non string value.",
    "{ me @skip(if: VALUE) { id } }": "Boolean cannot represent a non boolean value.",
    "{ node(id: VALUE) { id } }": "ID cannot represent a non-string and non-integer value.",
    "{ node(id: null) { id } }": "Expected value of non-null type 'ID!' not to be None.",
    SIGN_IN.format('{email: "VALUE"}'): (
        "Expected value of type 'TokenAuthInput' to include required field 'password'."
    ),
    SIGN_IN.format('{email: "a", password: "VALUE", passwort: ""}'): (
        "Expected value of type 'TokenAuthInput' not to include unknown field 'passwort'. Did you mean 'password'?"
    ),
    SIGN_IN.format('{email: "a", email: "VALUE", password: ""}'): "There can be only one input field named 'email'.",
    SIGN_IN.format('"VALUE"'): "Expected value of type 'TokenAuthInput' to be an object.",
    SIGN_IN.format('{email: "a", password: "", refreshTokenTransport: BODYVALUE}'): (
        "The value does not exist in 'RefreshTokenTransport' enum."
    ),
    SIGN_IN.format('{email: "a", password: "", refreshTokenTransport: "VALUE"}'): (
        "Enum 'RefreshTokenTransport' cannot represent non-enum value."
    ),
    'mutation { convertSocialToken(input: {provider: "x", credential: {}}) { errors { code } } }': (
        "Within OneOf Input Object type 'SocialCredentialInput', exactly one field must be specified."
    ),
    "{ __schema { description } }": (
        "GraphQL introspection has been disabled, but the requested query contained the field '__schema'."
    ),
    "{ a b c d e f }": "Too many validation errors, error limit reached.",
    "{ a": "Syntax Error: Expected Name, found <EOF>.",
    '{ "VALUE" }': "Syntax Error: Expected Name, found String.",
    "fragment F no VALUE { a }": "Syntax Error: Expected 'on', found Name.",
    "{ a .. }": "Syntax Error: Unexpected '..'.",
    "{ a } VALUE": "Syntax Error: Unexpected Name.",
    '{ a(b: "VALUE': "Syntax Error: Unterminated string.",
    '{ a(b: "VALUE\\q") }': "Syntax Error: Invalid character escape sequence.",
    '{ a(b: "VALUE\\uZZZZ") }': "Syntax Error: Invalid Unicode escape sequence.",
    "{ a(b: 'VALUE') }": (
        "Syntax Error: Unexpected single quote character ('), did you mean to use a double quote (\")."
    ),
    "{ a(b: 01) }": "Syntax Error: Invalid number, unexpected digit after 0.",
    "{ a(b: 1.VALUE) }": "Syntax Error: Invalid number, expected digit.",
    "{ a(b: .5) }": "Syntax Error: Invalid number, expected digit before '.'.",
    "{ £ }": "Syntax Error: Unexpected character.",
    "query ($a: ID = $VALUE) { a }": "Syntax Error: Unexpected variable '$VALUE' in constant value.",
    '"VALUE" { a }': "Syntax Error: Unexpected description.",
    "{ a(b: " + "[" * 300 + "]" * 300 + ") }": "Syntax Error: Document is nested too deeply.",
}
"""A document for each message of graphql-core, and the message that a client gets in development."""

VARIABLES: dict[str, tuple[str, Any, str]] = {
    "absent": ("ID!", ..., "Expected a value of non-null type 'ID!' to be provided."),
    "null": ("ID!", None, "Expected value of non-null type 'ID!' not to be None."),
    "ID": ("ID", 1.5, "ID cannot represent value."),
    "within": ("[ID!]", [None], "Expected value of non-null type 'ID!' not to be None."),
    "field": ("TokenAuthInput", {"email": 5, "password": "VALUE"}, "String cannot represent a non string value."),
    "enum": ("RefreshTokenTransport", "VALUE", "The value does not exist in 'RefreshTokenTransport' enum."),
    "no enum": ("RefreshTokenTransport", 5, "Enum 'RefreshTokenTransport' cannot represent non-string value."),
    "no object": ("TokenAuthInput", "VALUE", "Expected value of type 'TokenAuthInput' to be an object."),
    "no field": (
        "TokenAuthInput",
        {"email": "VALUE"},
        "Expected value of type 'TokenAuthInput' to include required field 'password'.",
    ),
    "many": ("[ID!]", [None, None, None], "Too many errors processing variables, error limit reached."),
    "unknown field": (
        "TokenAuthInput",
        {"email": "VALUE", "password": "VALUE", "VALUE": 1},
        "Expected value of type 'TokenAuthInput' not to include unknown field 'VALUE'.",
    ),
}


def messages_for(document: str) -> list[str]:
    """The messages that clients get for a document."""
    try:
        errors = validate(schema._schema, parse(document), RULES_WITHOUT_INTROSPECTION, max_errors=MAX_ERRORS)
    except GraphQLSyntaxError as error:
        errors = [error]
    return [redacted(error.message) for error in errors]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_message_about_a_document_is_known(document):
    """If graphql-core has reworded it, update `responses.KNOWN_WORDS`: clients get UNKNOWN_WORDS instead."""
    assert DOCUMENTS[document] in messages_for(document)


@pytest.mark.parametrize("case", VARIABLES)
def test_the_message_about_a_variable_is_known(case):
    """Behind the place in the variable."""
    kind, value, message = VARIABLES[case]
    (definition,) = parse(f"query ($v: {kind}) {{ __typename }}").definitions[0].variable_definitions

    *_, error = get_variable_values(schema._schema, [definition], {} if value is ... else {"v": value}, max_errors=2)

    assert re.sub(r"^Variable '\$v' has invalid value( at [.\w\[\]]+)?: ", "", redacted(error.message)) == message


def test_each_known_beginning_begins_a_message():
    """One that begins none is to be deleted."""
    messages = [*DOCUMENTS.values(), *(message for _kind, _value, message in VARIABLES.values())]

    def begins_one(words: str) -> bool:
        return any(re.match(words.replace("<>", NAME) + r"\.", one) for one in messages)

    assert [words for words in KNOWN_WORDS if not begins_one(words)] == []

"""All metrics of the service: their names, their labels, and what each counts.

A label takes few values that we know beforehand: enums, codes of failures, configured providers, root fields of the
schema. What a client writes is never a label, since each new value would be another series for good.

If PROMETHEUS_MULTIPROC_DIR is set before this module is imported, processes share their values in files of that folder
(`project.multiprocess`). Otherwise each process has its own.
"""

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

# Otherwise a single process had a series more for each counter than several have.
disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY = CollectorRegistry()
OK = "ok"
"""The outcome of what succeeded."""
CALLS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Seconds, the upper bounds of buckets for what waits for another server, or hashes."""

# Requests ----------------------------------------------------------------------------------------------------------

GRAPHQL_REQUESTS = Counter(
    "latchkey_graphql_requests_total",
    "GraphQL requests by root field and outcome: ok, the code of the first failure, or the status of a refusal.",
    ["operation", "outcome"],
    registry=REGISTRY,
)
GRAPHQL_SECONDS = Histogram(
    "latchkey_graphql_request_duration_seconds",
    "Duration of GraphQL requests by root field, from the view's first step to its last.",
    ["operation"],
    buckets=(0.0025, 0.005, *CALLS),
    registry=REGISTRY,
)
HTTP_RESPONSES = Counter(
    "latchkey_http_responses_total",
    "Responses of the service by HTTP status, other than those to scrapes.",
    ["status"],
    registry=REGISTRY,
)
DATABASE_AWAY = Counter(
    "latchkey_database_unavailable_responses_total",
    "Requests that were answered 503 because the database was unavailable.",
    registry=REGISTRY,
)

# Signing in --------------------------------------------------------------------------------------------------------

SIGN_INS = Counter(
    "latchkey_sign_ins_total",
    "Sign-ins by method and outcome: ok, or the code of the failure.",
    ["method", "outcome"],
    registry=REGISTRY,
)
REFRESHES = Counter(
    "latchkey_refreshes_total",
    "Refreshes by outcome: ok, or the cause of the refusal as in the log.",
    ["outcome"],
    registry=REGISTRY,
)
SECURITY_EVENTS = Counter(
    "latchkey_security_events_total",
    "Security events by type, each attempt of a repeated failure included.",
    ["type"],
    registry=REGISTRY,
)
LIMITED = Counter(
    "latchkey_rate_limit_refusals_total",
    "Attempts refused by a rate limit, by action and the line that was used up.",
    ["action", "line"],
    registry=REGISTRY,
)
COUNTED_ALONE = Counter(
    "latchkey_rate_limit_local_attempts_total",
    "Attempts that a process counted alone because Redis was unavailable.",
    registry=REGISTRY,
)

# Hashing passwords -------------------------------------------------------------------------------------------------

HASH_SECONDS = Histogram(
    "latchkey_password_hash_duration_seconds",
    "Duration of one password hash, without the wait for a slot.",
    buckets=CALLS,
    registry=REGISTRY,
)
HASH_WAIT_SECONDS = Histogram(
    "latchkey_password_hash_wait_seconds",
    "How long requests waited that found no free hashing slot, in vain or not.",
    buckets=CALLS,
    registry=REGISTRY,
)
HASH_WAITING = Gauge(
    "latchkey_password_hash_waiting_requests",
    "Requests that wait for a hashing slot now.",
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
HASH_REFUSALS = Counter(
    "latchkey_password_hash_refusals_total",
    "Requests refused because no hashing slot became free in time, or too many waited already.",
    registry=REGISTRY,
)

# Other servers -----------------------------------------------------------------------------------------------------

PROVIDER_REQUESTS = Counter(
    "latchkey_provider_requests_total",
    "Requests to sign-in providers by configured provider and outcome.",
    ["provider", "outcome"],
    registry=REGISTRY,
)
PROVIDER_SECONDS = Histogram(
    "latchkey_provider_request_duration_seconds",
    "Duration of requests to sign-in providers, failed ones included.",
    ["provider"],
    buckets=CALLS,
    registry=REGISTRY,
)
MAILS = Counter(
    "latchkey_mails_total",
    "Attempts of the server processes to send a mail, by outcome.",
    ["outcome"],
    registry=REGISTRY,
)

# The pool of database connections, over all worker processes -------------------------------------------------------

POOL_MAX = Gauge(
    "latchkey_database_pool_max_connections",
    "Most connections that the pools may open.",
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
POOL_SIZE = Gauge(
    "latchkey_database_pool_connections",
    "Connections of the pools, in use or not.",
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
POOL_AVAILABLE = Gauge(
    "latchkey_database_pool_available_connections",
    "Connections of the pools that nothing uses.",
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
POOL_WAITING = Gauge(
    "latchkey_database_pool_waiting_requests",
    "Requests that wait for a connection of a pool.",
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
POOL_REFUSALS = Counter(
    "latchkey_database_pool_refusals_total",
    "Waits for a connection of a pool that ended without one.",
    registry=REGISTRY,
)

# Worker processes --------------------------------------------------------------------------------------------------

WORKERS = Gauge(
    "latchkey_workers",
    "Worker processes that are alive.",
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
WORKER_START = Gauge(
    "latchkey_worker_start_time_seconds",
    "When the youngest worker process started, since the Unix epoch.",
    multiprocess_mode="livemax",
    registry=REGISTRY,
)
CPU_SECONDS = Counter(
    "latchkey_process_cpu_seconds_total",
    "Processor time of the worker processes, user and system.",
    registry=REGISTRY,
)
RESIDENT_BYTES = Gauge(
    "latchkey_process_resident_memory_bytes",
    "Memory of the worker processes. Pages that they share count for each.",
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
OPEN_FILES = Gauge(
    "latchkey_process_open_fds",
    "Open file descriptors of the worker process that has most.",
    multiprocess_mode="livemax",
    registry=REGISTRY,
)


# Each request of the API passes here, and prometheus_client's look-up of a child costs a third of counting.
_requests_of = cache(GRAPHQL_REQUESTS.labels)
_seconds_of = cache(GRAPHQL_SECONDS.labels)
_responses_of = cache(HTTP_RESPONSES.labels)


def answered_graphql(operation: str, outcome: str, *, seconds: float) -> None:
    """Count a GraphQL request."""
    _requests_of(operation, outcome).inc()
    _seconds_of(operation).observe(seconds)


def responded(status: str) -> None:
    """Count a response of this HTTP status."""
    _responses_of(status).inc()

# Works with make 3.81 and a BSD userland (macOS), without global installs and whatever HOME is.
.DEFAULT_GOAL := help
.PHONY: help install run test lint schema messages lock frontend e2e clients bench sbom wheels FORCE
.NOTPARALLEL:

PYTHON ?= python3
PY := .venv/bin/python
# For pytest. Alone, `make test` shares all tests among the cores.
ARGS ?= -n auto --maxprocesses=4 --dist=worksteal
# A pip.conf with `user = true` would make pip refuse to install into .venv.
PIP := PIP_USER=0 $(PY) -m pip --disable-pip-version-check
# --no-deps: the lock is complete (tests/project/test_locks.py). Otherwise pip resolves each dependency again, prefers
# a release newer than the lock's, and then refuses it for lack of a hash.
INSTALL := $(PIP) install --quiet --no-deps --require-hashes
# A release that was withdrawn or taken over is usually noticed within a week.
A_WEEK_AGO = $$($(PY) -c 'from datetime import date, timedelta; print(date.today() - timedelta(weeks=1))')
COMPILE = $(PY) -m uv pip compile --exclude-newer "$(A_WEEK_AGO)" --universal --python-version 3.11 --generate-hashes --no-strip-extras --upgrade \
	--quiet --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"
# For what needs settings but no deployment. The key is made anew each time.
AS_IN_PRODUCTION := LATCHKEY_ENV=production ALLOWED_HOSTS=example.org DATABASE_URL=sqlite://:memory: CACHE_URL=locmemcache:// WORKERS=1 TRUSTED_PROXIES=1 EMAIL_URL=smtp://localhost \
	SECRET_KEY="$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(50))')"

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

run: .venv/runtime.stamp .env ## serve on http://localhost:8000/graphql; PORT, HOST, WORKERS, DATABASE_URL, CACHE_URL
	@test -d frontend/dist/graphiql || { command -v npm >/dev/null && $(MAKE) frontend; } || \
		echo 'GraphiQL and the front end are not built: that needs Node 20.19 or newer and npm. The API runs without.'
	@exec $(PY) -m project.serve

install: .venv/runtime.stamp ## install what the service needs, into .venv

test: .venv/dev.stamp ## run the tests; COVERAGE=1 reports branches missed, ARGS="-k refresh" goes to pytest
	$(PY) -m pytest $(if $(COVERAGE),--cov --cov-report=term:skip-covered) $(ARGS)

lint: .venv/dev.stamp ## check style, types, import directions, migrations, deployment and the committed schema
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy
	$(PY) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'
	@echo 'manage.py makemigrations --check, check --deploy'
	@$(AS_IN_PRODUCTION) $(PY) manage.py makemigrations --check --dry-run
	@$(AS_IN_PRODUCTION) $(PY) manage.py check --deploy --fail-level WARNING
	@echo 'manage.py export_schema'
	@$(AS_IN_PRODUCTION) $(PY) manage.py export_schema schema.root:schema --path .venv/schema.graphql
	@diff -u schema/schema.graphql .venv/schema.graphql || { echo 'The schema has changed: run make schema.' >&2; exit 1; }

frontend: frontend/node_modules/.package-lock.json ## build the front end and GraphiQL (needs Node 20.19 or newer)
	cd frontend && npm run --silent build

e2e: frontend .venv/runtime.stamp ## test the pages in Chromium, on PostgreSQL
	cd frontend && npm run --silent e2e

clients: frontend/node_modules/.package-lock.json .venv/dev.stamp ## run the documented clients against a real server
	cd frontend && npm test --silent && npm run --silent lint && npm run --silent clients

frontend/node_modules/.package-lock.json: frontend/package-lock.json frontend/package.json
	cd frontend && npm ci --no-audit --no-fund --silent
	@touch $@

bench: .venv/dev.stamp ## measure, also beside peers, into docs/performance.md; PART=peers runs a part; on DATABASE_URL, CACHE_URL
	@$(PY) -m tests.bench $(PART)

schema: .venv/runtime.stamp ## write schema/schema.graphql
	@$(AS_IN_PRODUCTION) $(PY) manage.py export_schema schema.root:schema --path schema/schema.graphql

messages: .venv/dev.stamp ## bring new messages into the catalogues of accounts/locale/, and compile these
	@$(PY) -m tests.languages.catalogues

lock: .venv/dev.stamp ## bump all requirements to their newest releases older than a week
	$(COMPILE) --output-file requirements/runtime.txt requirements/runtime.in
	$(COMPILE) --output-file requirements/anymail.txt requirements/anymail.in
	$(COMPILE) --output-file requirements/tracing.txt requirements/tracing.in
	$(COMPILE) --output-file requirements/sbom.txt requirements/sbom.in
	$(COMPILE) --output-file requirements/dev.txt requirements/dev.in
	$(COMPILE) --output-file tests/e2e/clairvoyance.txt tests/e2e/clairvoyance.in
	$(COMPILE) --output-file tests/bench/peers/drf_social_oauth2.txt tests/bench/peers/drf_social_oauth2.in
	$(COMPILE) --output-file tests/bench/peers/django_graphql_jwt.txt tests/bench/peers/django_graphql_jwt.in
	$(COMPILE) --output-file tests/bench/peers/strawberry_django_auth.txt tests/bench/peers/strawberry_django_auth.in

sbom: .venv/runtime.stamp .venv/sbom/stamp ## list the parts of the release as CycloneDX documents in dist/ (needs npm)
	@.venv/sbom/bin/python requirements/sbom.py dist

wheels: .venv/runtime.stamp ## keep the locked packages of this platform in dist/wheels/
	$(PIP) download --quiet --no-deps --require-hashes --dest dist/wheels -r requirements/runtime.txt -r requirements/anymail.txt -r requirements/tracing.txt

# The environment. A stamp is written only after all before it has succeeded.

.venv/runtime.stamp: requirements/runtime.txt .venv/pyvenv.cfg
	$(INSTALL) -r requirements/runtime.txt
	@touch $@

.venv/dev.stamp: requirements/dev.txt .venv/pyvenv.cfg
	$(INSTALL) -r requirements/dev.txt
	@touch .venv/runtime.stamp $@

.venv/sbom/stamp: requirements/sbom.txt .venv/pyvenv.cfg
	$(PY) -m venv --clear .venv/sbom
	PIP_USER=0 .venv/sbom/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes -r $<
	@cp $< $@

# Made anew when its interpreter is gone, as after an upgrade of the system's Python.
.venv/pyvenv.cfg: $(shell test -x $(PY) || echo FORCE)
	@command -v "$(PYTHON)" >/dev/null || { \
		echo 'Latchkey needs Python 3.11 or newer, and there is no $(PYTHON): make PYTHON=/path/to/python3' >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else \
		"Latchkey needs Python 3.11 or newer, and $(PYTHON) is %d.%d: make PYTHON=python3.12" % sys.version_info[:2])'
	"$(PYTHON)" -m venv --clear .venv || { rm -f $@; exit 1; }

FORCE:

.env:
	@umask 077 && $(PY) -c 'import secrets; print("LATCHKEY_ENV=development\nSECRET_KEY=" + secrets.token_urlsafe(50))' \
		> .env.new && mv .env.new $@
	@echo 'Wrote .env: development settings and a fresh SECRET_KEY. More settings: .env.example'

# make serve: the service on 127.0.0.1:8080, with everything it needs. make help: the rest.

PYTHON ?= python3
VENV := .venv
# Of the long runs: full, or ci, the short form; see tests/support/scale.py.
SCALE ?= full
# A process for each core.
TEST := $(VENV)/bin/pytest -q -m "not soak" --numprocesses auto --maxprocesses 4 --dist worksteal
INSTALL := $(VENV)/bin/pip --quiet --disable-pip-version-check install

.PHONY: help serve test coverage check soak bench requirements clean

help:
	@echo "make serve         install, create the database and the first account, serve on 127.0.0.1:8080"
	@echo "make test          the test suite; with TEST_DATABASE_SERVER=mysql://root@127.0.0.1:3306 on a MariaDB"
	@echo "make coverage      the same, and which lines no test ran in its own process; htmlcov/index.html"
	@echo "make check         lint, format, types and spelling"
	@echo "make soak          the long runs: kills, abuse, a cluster, concurrent clients, random requests, proxies;"
	@echo "                   with SCALE=ci less of each, a quarter of an hour"
	@echo "make bench         reads and creates against the least they can cost, a list as the database grows, CPU over Flask"
	@echo "make requirements  pin the newest versions that setup.cfg allows, with hashes"
	@echo "make clean         remove what make made, but not the database"

serve: $(VENV)/served
	@$(VENV)/bin/restcomm-apps init-db --first-account
	@exec $(VENV)/bin/restcomm-apps serve

test: $(VENV)/tested
	@for tool in curl openssl; do command -v $$tool >/dev/null || \
		{ echo "make test: $$tool is missing; install it with: apt-get install $$tool" >&2; exit 2; }; done
	$(TEST)

coverage: $(VENV)/tested
	$(TEST) --cov restcomm_apps --cov-report term:skip-covered --cov-report html

check: $(VENV)/tested
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/codespell

soak: $(VENV)/tested
	@for tool in curl openssl nginx apache2 sqlite3 haproxy socat; do PATH="$$PATH:/usr/sbin" command -v $$tool >/dev/null || \
		{ echo "make soak: $$tool is missing; install it with: apt-get install $$tool" >&2; exit 2; }; done
	SCALE=$(SCALE) $(VENV)/bin/pytest -s -m soak --durations 15
	SCALE=$(SCALE) $(VENV)/bin/pytest tests/api/test_random_requests.py tests/server/test_request_ends.py

bench: $(VENV)/served
	@command -v wrk >/dev/null || \
		{ echo "make bench: wrk is missing; install it with: apt-get install wrk" >&2; exit 2; }
	$(VENV)/bin/python bench/reads.py
	$(VENV)/bin/python bench/writes.py
	$(VENV)/bin/python bench/growth.py
	$(VENV)/bin/python bench/cpu.py
	$(VENV)/bin/python bench/statements.py

requirements: $(VENV)/tested
	$(INSTALL) uv
	$(VENV)/bin/uv pip compile --universal --python-version 3.10 --generate-hashes --no-header \
		--no-annotate --extra mysql --upgrade --output-file requirements.txt setup.cfg
	$(VENV)/bin/uv pip compile --universal --python-version 3.10 --generate-hashes --no-header \
		--no-annotate --constraint requirements.txt --extra mysql --extra test --extra check \
		--output-file tests/requirements.txt setup.cfg

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .hypothesis .mypy_cache .ruff_cache .coverage htmlcov

# The stamps are made anew when what they were made from changes.
$(VENV)/served: requirements.txt setup.cfg
	@$(PYTHON) -c "import ensurepip, venv" 2>/dev/null || \
		{ echo "$(PYTHON) cannot make virtual environments; install what is missing with: apt-get install python3-venv" >&2; exit 2; }
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 10))" || \
		{ echo "$(PYTHON) is too old; Python 3.10 or newer is needed, name it with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --require-hashes -r requirements.txt
	$(INSTALL) --no-deps --editable .
	@touch $@

$(VENV)/tested: $(VENV)/served tests/requirements.txt
	$(INSTALL) --require-hashes -r tests/requirements.txt
	@touch $@

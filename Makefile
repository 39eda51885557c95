# The commands of this project. `make` alone lists them.
.PHONY: help run scale test lint format schema messages lock bench coverage soak chaos

help:
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 12

run: ## a server with a demo household on http://127.0.0.1:8000 (PORT=... for another port)
	@scripts/run

scale: ## two machines, nginx, PgBouncer, a primary, a standby and Redis, on ports of 127.0.0.1, until Ctrl-C
	@scripts/bootstrap dev
	@.venv/bin/python -m tests.scale

test: ## the whole suite; on PostgreSQL too when TEST_DATABASE_URL is set (ARGS="-k name" for a part)
	@scripts/test $(ARGS)

lint: ## every check that runs no test
	@scripts/lint

format: ## format the code and fix what can be fixed automatically
	@scripts/bootstrap dev
	@.venv/bin/ruff check --fix --quiet . || true
	@.venv/bin/ruff format .

schema: ## write openapi.yaml again from the code
	@scripts/bootstrap dev
	@.venv/bin/python manage.py spectacular --validate --fail-on-warn --file openapi.yaml

messages: ## write what is marked for translation into locale/, and compile it
	@scripts/bootstrap dev
	@.venv/bin/python scripts/messages.py

lock: ## pin the requirements again, with hashes
	@scripts/bootstrap dev
	@.venv/bin/uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header --no-strip-extras --upgrade requirements.in -o requirements.txt
	@.venv/bin/uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header --no-strip-extras --upgrade requirements-dev.in -c requirements.txt -o requirements-dev.txt
	@.venv/bin/uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header --no-strip-extras --upgrade requirements-semgrep.in -o requirements-semgrep.txt
	@.venv/bin/uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header --no-strip-extras --upgrade requirements-yfinance.in -c requirements.txt -o requirements-yfinance.txt
	@.venv/bin/uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header --no-strip-extras --upgrade requirements-otel.in -c requirements.txt -o requirements-otel.txt

coverage: ## the suite on SQLite, with the lines that no test runs
	@scripts/bootstrap dev
	@env -u TEST_DATABASE_URL .venv/bin/pytest -n 2 --dist worksteal --cov --cov-report=term $(ARGS)

bench: ## measure the speed, as a table (ARGS for options)
	@scripts/bootstrap dev
	@.venv/bin/python benchmarks/bench.py $(ARGS)

soak: ## mixed load on a real server: memory, open files and errors (ARGS="--minutes 60")
	@scripts/bootstrap dev
	@.venv/bin/python benchmarks/soak.py $(ARGS)

chaos: ## the longer forms of the tests that kill and stop servers (CHAOS_ROUNDS=100)
	@scripts/bootstrap dev
	@CHAOS_ROUNDS=$${CHAOS_ROUNDS:-20} CHAOS_SECONDS=$${CHAOS_SECONDS:-30} .venv/bin/pytest -m chaos $(ARGS)

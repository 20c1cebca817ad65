# make demo   try the product: nothing to install first but Python 3.11+ and make
# make test   run the tests against real PostgreSQL and Redis, which it provides itself
PYTHON ?= python3
# Compiled once and kept, whoever says otherwise: each of the many processes of a test run would compile it all again.
export PYTHONDONTWRITEBYTECODE =
VENV   := .venv
BIN    := $(VENV)/bin
# Three on two cores: a sixth of the time of two they wait for a browser, a worker or another till.
JOBS   ?= 3

.PHONY: demo demo-reset test test-long check bench format lock openapi browser clean

demo: $(VENV)/.runtime
	$(BIN)/python -m demo

demo-reset: $(VENV)/.runtime
	$(BIN)/python -m demo reset

# Compiled by two beforehand: three processes would each compile all of it for themselves.
test: $(VENV)/.dev browser
	@$(BIN)/python -m compileall -q -j 2 -x '/\.|/node_modules|/test_' .
	$(BIN)/pytest -n $(JOBS) --no-loadscope-reorder -m "not long"

test-long: $(VENV)/.dev browser
	MANY_SEEDS=1 $(BIN)/pytest -m "long or hypothesis" --timeout 1800

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python -m bench

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The committed copy of the OpenAPI document; a test compares.
openapi: $(VENV)/.dev
	$(BIN)/python -m demo openapi > docs/openapi.json

# Raise versions: edit requirements*.in, then this. Needs uv on PATH.
lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes requirements.in -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes -c requirements.lock requirements-dev.in -o requirements-dev.lock

browser:
	@sh tests/browser.sh

$(VENV)/.runtime: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed") if sys.version_info < (3, 11) else None'
	@echo "正在安装依赖到 $(VENV)，首次约需一分钟…… Installing what it needs into $(VENV); the first time takes about a minute …"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || { \
	    echo "创建虚拟环境失败：Debian 和 Ubuntu 请先安装 python3-venv。Could not make the environment: on Debian and Ubuntu install python3-venv first." >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@echo "正在安装测试工具，约需一分钟…… Installing the tools for tests; this takes about a minute …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

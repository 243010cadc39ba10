# make run [PORT=7861]   the studio in the browser
# make test              lint and all tests
PORT ?= 7860
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export HF_HUB_OFFLINE := 1
export HF_HUB_DISABLE_TELEMETRY := 1
export GRADIO_ANALYTICS_ENABLED := False

.PHONY: run test lint format browser demo clean

run: $(VENV)/.run
	@$(BIN)/rlhf-studio models add starter
	@$(BIN)/rlhf-studio doctor --once
	@$(BIN)/rlhf-studio serve --port $(PORT)

demo: $(VENV)/.run
	$(BIN)/rlhf-studio demo --out demo --json demo/figures.json

test: lint browser
	$(BIN)/python -m pytest

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# A browser for the browser tests: one that is installed, else Debian's, else Playwright's own.
browser: $(VENV)/.dev
	@$(BIN)/python tests/browser/find_browser.py >/dev/null 2>&1 \
	|| { command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] \
	     && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk >/dev/null; } \
	|| $(BIN)/playwright install chromium

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	|| { echo "RLHF Studio needs Python 3.11 or newer. Name one: make run PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# torch first and by its exact version, so that pip takes the build that fits this machine.
$(VENV)/.run: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check "$$(grep '^torch==' constraints.txt)"
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

clean:
	rm -rf $(VENV)

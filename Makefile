# make run    the Space on http://127.0.0.1:7860 (GRADIO_SERVER_PORT chooses another port)
# make test   linters, types and the tests that protect a change; installs what they need
# make test-all  the same with every test, as each night and before a release
# make train  train the network that reads a digit; make train ARGS="--network conv3 --data FOLDER"
# make finder train the network that finds digits in a picture; make finder ARGS="--data FOLDER"
# make extractor  train the network that separates their ink; make extractor ARGS="--data FOLDER"
# make line-reader  train the network that reads a line; make line-reader ARGS="--data FOLDER"
# make lint   linters and types alone
# make evaluate  measure the bundled weights and all runs anew: training/results.json
# make bench  measure this app's speed and cost beside the usual demo's
# make lock   write tests/requirements.lock anew after a change of requirements
#             (ARGS=--upgrade: with the newest of what they need in turn)
# make audit  ask osv.dev for known vulnerabilities of what the lock names
# make sbom   list what the lock names, and what is known of it: sbom.cdx.json, a CycloneDX SBOM
#
# Each makes .venv first where it is missing or the requirements have changed.

.DEFAULT_GOAL := run
.NOTPARALLEL:
.PHONY: run test test-all train finder extractor line-reader evaluate bench lint lint-style lint-format lint-types lint-workflows \
	format chromium curl node lock audit sbom

BIN := .venv/bin
APP := requirements.txt
TRAINING := training/requirements.txt
TESTS := tests/requirements.txt
LOCK := tests/requirements.lock
BROWSER := training/browser

run: .venv/app-installed
	@exec $(BIN)/python app.py

train: .venv/training-installed
	@exec $(BIN)/python -m training.train $(ARGS)

finder: .venv/training-installed
	@exec $(BIN)/python -m training.segmentation $(ARGS)

extractor: .venv/training-installed
	@exec $(BIN)/python -m training.extraction $(ARGS)

line-reader: .venv/training-installed
	@exec $(BIN)/python -m training.line_reading $(ARGS)

evaluate: .venv/training-installed
	@exec $(BIN)/python -m training.evaluate --all $(ARGS)

bench: .venv/tests-installed chromium
	@exec $(BIN)/python -m benchmarks $(ARGS)

# Both parts always run, so that one look shows everything; pytest's summary is the last line.
test test-all: .venv/tests-installed chromium curl $(BROWSER)/node_modules/.package-lock.json
	@status=0; \
	$(MAKE) --no-print-directory --keep-going lint || status=1; \
	$(BIN)/python -m pytest $(if $(filter test-all,$@),-m "") $(ARGS) || status=1; \
	exit $$status

lint: lint-style lint-format lint-types lint-workflows

lint-style: .venv/tests-installed
	$(BIN)/ruff check .

lint-format: .venv/tests-installed
	$(BIN)/ruff format --check .

lint-types: .venv/tests-installed
	$(BIN)/mypy

lint-workflows: .venv/tests-installed
	$(BIN)/zizmor --offline --no-progress --quiet .github
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml

format: .venv/tests-installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Sets $$apt to a command that installs Debian packages, or to `false` where that is not allowed.
FIND_APT = apt=false; \
	if command -v apt-get >/dev/null; then \
	  if [ "$$(id -u)" = 0 ]; then sudo=; else sudo="sudo -n"; fi; \
	  if $$sudo true 2>/dev/null; then apt=apt_install; fi; \
	fi; \
	apt_install() { \
	  export DEBIAN_FRONTEND=noninteractive; \
	  $$sudo apt-get update -qq && $$sudo apt-get install -y -qq --no-install-recommends "$$@"; \
	}

# TensorFlow has wheels for Python 3.11 to 3.13 only (and keras 3.15 for nothing older).
.venv/bin/pip:
	@found=; \
	for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	  $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	    && found=$$python && break; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "error: Python 3.11, 3.12 or 3.13 is needed, python3 is" \
	    "$$(python3 --version 2>/dev/null || echo missing): install one," \
	    "or name it: make PYTHON=/path/to/python3.12" >&2; \
	  exit 1; \
	fi; \
	if ! $$found -c 'import ensurepip, venv' 2>/dev/null; then \
	  $(FIND_APT); \
	  version=$$($$found -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	  if ! $$apt "python$$version-venv"; then \
	    echo "error: this Python cannot make virtual environments: run" \
	      "'apt-get install python$$version-venv' as root, then make again" >&2; \
	    exit 1; \
	  fi; \
	fi; \
	$$found -m venv --clear .venv

# Hides what a command prints unless it fails: warnings about the machine bury the line of the step.
QUIETLY = >.venv/log 2>&1 || { cat .venv/log >&2; exit 1; }

# compileall, because pip leaves bytecode out where PYTHONDONTWRITEBYTECODE is set, and the first
# page then takes three times as long. It also meets templates that are no Python: not our failure.
INSTALL = echo "Installing $(1) (takes minutes the first time)"; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(2) $(addprefix -r ,$(1)) \
	  $(QUIETLY); \
	$(BIN)/python -W ignore -m compileall -qq -j 0 .venv/lib

.venv/app-installed: $(APP) | .venv/bin/pip
	@$(call INSTALL,$(APP)); touch $@

.venv/training-installed: $(APP) $(TRAINING) | .venv/bin/pip
	@$(call INSTALL,$(APP) $(TRAINING)); touch $@ .venv/app-installed

# By the lock alone, which names every package down to the last with the hashes of its files. Wheels
# only: to build one would run code, and fetch more of it, that no hash covers.
.venv/tests-installed: $(LOCK) | .venv/bin/pip
	@$(call INSTALL,$(LOCK),--require-hashes --only-binary=:all:); \
	touch $@ .venv/app-installed .venv/training-installed

# For every system and Python from 3.11 on. What the lock holds already stays unless a requirement
# wants another. Where packages are fetched from is each machine's own affair. Nothing is installed
# first that need not be, for this is how a lock is mended that cannot be installed.
lock:
	@test -x $(BIN)/uv || $(MAKE) --no-print-directory .venv/tests-installed
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-build --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	  --output-file $(LOCK) $(ARGS) $(APP) $(TRAINING) $(TESTS)

AUDIT = $(BIN)/pip-audit --vulnerability-service osv --strict --require-hashes --disable-pip \
  --progress-spinner off --requirement $(LOCK)

audit: .venv/tests-installed
	$(AUDIT) $(ARGS)

# It ends with 1 if something is known of a package: to fail for that is what `make audit` is for.
sbom: .venv/tests-installed
	$(AUDIT) --format cyclonedx-json --output sbom.cdx.json || [ $$? = 1 ]

# Ubuntu's package is only a pointer to a snap, so the browser is tried out, not only looked for.
chromium: .venv/tests-installed
	@$(BIN)/python -m tests.support.browser && exit; \
	$(FIND_APT); \
	$$apt chromium && $(BIN)/python -m tests.support.browser && exit; \
	if [ $$apt = false ]; then $(BIN)/python -m playwright install chromium; \
	else $(BIN)/python -m playwright install --with-deps chromium; fi; \
	$(BIN)/python -m tests.support.browser && exit; \
	echo "error: the tests need Chromium: install it (apt-get install chromium) and make again" >&2; \
	exit 1

# The page without a server is built from this: what the lock names, by its hashes.
$(BROWSER)/node_modules/.package-lock.json: $(BROWSER)/package-lock.json | node
	@echo "Installing $<"; \
	npm ci --prefix $(BROWSER) --ignore-scripts --no-audit --no-fund --cache "$(CURDIR)/.venv/npm" \
	  $(QUIETLY); \
	touch $@

# Runs the shell's snippets that README and page show.
curl:
	@command -v curl >/dev/null && exit; \
	$(FIND_APT); \
	$$apt curl && exit; \
	echo "error: the tests need curl: install it (apt-get install curl) and make again" >&2; \
	exit 1

# Runs the JavaScript that README and page show, and brings what that imports.
node:
	@command -v node >/dev/null && command -v npm >/dev/null && exit; \
	$(FIND_APT); \
	$$apt nodejs npm && exit; \
	echo "error: the tests need Node.js 20 or newer with npm: install it (apt-get install nodejs npm)" \
	  "and make again" >&2; \
	exit 1

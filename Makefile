# make run          the app on http://127.0.0.1:7860 (GRADIO_SERVER_PORT sets another port)
# make test         linters, type checks and the fast tests; installs what they need
# make test-all     the same with all tests, as run nightly and before a release
# make train        train the network that classifies a digit; ARGS="--network conv3 --data FOLDER"
# make finder       train the network that finds the digits in a picture; ARGS="--data FOLDER"
# make extractor    train the network that separates their ink; ARGS="--data FOLDER"
# make line-reader  train the network that reads a line; ARGS="--data FOLDER"
# make lint         linters and type checks only
# make evaluate     evaluate the bundled weights and all runs: training/results.json
# make bench        compare speed and cost with the usual demo
# make lock         update tests/requirements.lock after a change of requirements
#                   (ARGS=--upgrade upgrades transitive dependencies)
# make audit        check the locked packages for known vulnerabilities (osv.dev)
# make sbom         list the locked packages and their vulnerabilities: sbom.cdx.json (CycloneDX)
#
# Each target creates or updates .venv first if it is missing or the requirements have changed.

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

# Tests run even if linting fails, so one run shows every problem; pytest's summary comes last.
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

# Sets $$apt to a command that installs Debian packages, or to `false` if that is not allowed.
FIND_APT = apt=false; \
	if command -v apt-get >/dev/null; then \
	  if [ "$$(id -u)" = 0 ]; then sudo=; else sudo="sudo -n"; fi; \
	  if $$sudo true 2>/dev/null; then apt=apt_install; fi; \
	fi; \
	apt_install() { \
	  export DEBIAN_FRONTEND=noninteractive; \
	  $$sudo apt-get update -qq && $$sudo apt-get install -y -qq --no-install-recommends "$$@"; \
	}

# TensorFlow has wheels for Python 3.11 to 3.13 only, and Keras 3.15 requires 3.11.
.venv/bin/pip:
	@found=; \
	for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	  $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	    && found=$$python && break; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "error: Python 3.11, 3.12 or 3.13 is required, but python3 is" \
	    "$$(python3 --version 2>/dev/null || echo missing): install one," \
	    "or specify it: make PYTHON=/path/to/python3.12" >&2; \
	  exit 1; \
	fi; \
	if ! $$found -c 'import ensurepip, venv' 2>/dev/null; then \
	  $(FIND_APT); \
	  version=$$($$found -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	  if ! $$apt "python$$version-venv"; then \
	    echo "error: this Python cannot create virtual environments: run" \
	      "'apt-get install python$$version-venv' as root, then run make again" >&2; \
	    exit 1; \
	  fi; \
	fi; \
	$$found -m venv --clear .venv

# Hides output unless the command fails: warnings about the machine would bury the step's own line.
QUIETLY = >.venv/log 2>&1 || { cat .venv/log >&2; exit 1; }

# compileall, because pip writes no bytecode if PYTHONDONTWRITEBYTECODE is set, and the first page
# then takes three times as long. Its status is ignored: some packages ship templates that are not
# Python.
INSTALL = echo "Installing $(1) (takes minutes the first time)"; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(2) $(addprefix -r ,$(1)) \
	  $(QUIETLY); \
	$(BIN)/python -W ignore -m compileall -qq -j 0 .venv/lib

.venv/app-installed: $(APP) | .venv/bin/pip
	@$(call INSTALL,$(APP)); touch $@

.venv/training-installed: $(APP) $(TRAINING) | .venv/bin/pip
	@$(call INSTALL,$(APP) $(TRAINING)); touch $@ .venv/app-installed

# Only from the lock, which pins every package by hash. Only wheels: building from source would run,
# and fetch, code that no hash covers.
.venv/tests-installed: $(LOCK) | .venv/bin/pip
	@$(call INSTALL,$(LOCK),--require-hashes --only-binary=:all:); \
	touch $@ .venv/app-installed .venv/training-installed

# For all platforms and Python 3.11 or newer. Locked versions are kept unless a requirement excludes
# them. The package index is left to each machine's configuration. Only uv is required, so that a
# lock that cannot be installed can still be fixed.
lock:
	@test -x $(BIN)/uv || $(MAKE) --no-print-directory .venv/tests-installed
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-build --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	  --output-file $(LOCK) $(ARGS) $(APP) $(TRAINING) $(TESTS)

AUDIT = $(BIN)/pip-audit --vulnerability-service osv --strict --require-hashes --disable-pip \
  --progress-spinner off --requirement $(LOCK)

audit: .venv/tests-installed
	$(AUDIT) $(ARGS)

# pip-audit exits with 1 if it finds vulnerabilities; failing on them is left to `make audit`.
sbom: .venv/tests-installed
	$(AUDIT) --format cyclonedx-json --output sbom.cdx.json || [ $$? = 1 ]

# Ubuntu's chromium package is a stub for a snap, so the browser is started, not just looked up.
chromium: .venv/tests-installed
	@$(BIN)/python -m tests.support.browser && exit; \
	$(FIND_APT); \
	$$apt chromium && $(BIN)/python -m tests.support.browser && exit; \
	if [ $$apt = false ]; then $(BIN)/python -m playwright install chromium; \
	else $(BIN)/python -m playwright install --with-deps chromium; fi; \
	$(BIN)/python -m tests.support.browser && exit; \
	echo "error: the tests need Chromium: install it (apt-get install chromium) and run make again" >&2; \
	exit 1

# Dependencies of the static page, from its lock file, by hash.
$(BROWSER)/node_modules/.package-lock.json: $(BROWSER)/package-lock.json | node
	@echo "Installing $<"; \
	npm ci --prefix $(BROWSER) --ignore-scripts --no-audit --no-fund --cache "$(CURDIR)/.venv/npm" \
	  $(QUIETLY); \
	touch $@

# Runs the shell snippets shown in the README and on the page.
curl:
	@command -v curl >/dev/null && exit; \
	$(FIND_APT); \
	$$apt curl && exit; \
	echo "error: the tests need curl: install it (apt-get install curl) and run make again" >&2; \
	exit 1

# Runs the JavaScript shown in docs/api.md and on the page, and installs its imports.
node:
	@command -v node >/dev/null && command -v npm >/dev/null && exit; \
	$(FIND_APT); \
	$$apt nodejs npm && exit; \
	echo "error: the tests need Node.js 20 or newer with npm: install it (apt-get install nodejs npm)" \
	  "and run make again" >&2; \
	exit 1

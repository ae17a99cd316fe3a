# Every target that needs something installed depends on `setup`, which does nothing if everything is there.
.DEFAULT_GOAL := help
# With it `cd` may go elsewhere.
unexport CDPATH
PYTHON := .venv/bin/python
# The sandbox's port (0: a free one, remembered in DATA) and its folder.
PORT ?= 0
DATA ?= .sandbox

.PHONY: help setup demo stop sandbox sandbox-test check definitions test browser editor lint workflows types bench docs pictures upstream lock clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-22s%s\n", $$1, $$2}'

# off: for `ai-admin off`; apply: for `ai-admin` and `pulumi`; sandbox: also for `make demo` and `make sandbox`; development: all.
FOR ?= development

setup:  ## install what the rest needs into the checkout (.venv, .toolchain); FOR=apply for less
	@sh tools/toolchain/setup.sh --for $(FOR)

demo: FOR = sandbox
demo: setup  ## start the sandbox, apply the definitions to it, read the flags
	@$(PYTHON) -m tools.demo

stop:  ## stop the sandbox that the demo left running
	@if [ -x $(PYTHON) ]; then $(PYTHON) -m tools.demo.stop; fi

sandbox: FOR = sandbox
sandbox: setup  ## a local PostHog in the foreground (PORT=8010 DATA=folder)
	@PORT='$(PORT)' DATA='$(DATA)' $(PYTHON) -m sandbox

check: lint types definitions test  ## what a pull request must pass, except for `browser` and `editor`

definitions: setup  ## check the definitions, and run the tests that flags have in their files
	@.venv/bin/ai-admin check && .venv/bin/ai-admin test

test: setup  ## the tests
	@$(PYTHON) -m pytest -n auto --dist loadfile --no-loadscope-reorder

sandbox-test: setup  ## the sandbox's own tests
	@$(PYTHON) -m pytest -n auto --dist loadfile sandbox/tests/unit sandbox/tests/api sandbox/tests/sdk \
	  sandbox/tests/query

browser: setup  ## the tests of the sandbox's pages and of a plan's comment, in a headless Chromium
	@{ command -v chromium && command -v chromedriver; } >/dev/null || { \
	  echo 'The browser tests need Chromium and its driver; on Debian: apt-get install chromium chromium-driver' >&2; \
	  exit 2; }
	@$(PYTHON) -m pytest sandbox/tests/browser tests/browser

editor: setup  ## the tests of the schemas in a real YAML language server, and of TypeScript clients (needs Node.js and npm)
	@{ command -v node && command -v npm; } >/dev/null || { \
	  echo 'The editor tests need Node.js (20 or later) and npm; on Debian: apt-get install nodejs npm' >&2; \
	  exit 2; }
	@$(MAKE) --no-print-directory tests/editor/node_modules/.package-lock.json
	@$(PYTHON) -m pytest tests/editor

tests/editor/node_modules/.package-lock.json: tests/editor/package-lock.json
	@npm ci --prefix tests/editor --ignore-scripts --no-audit --no-fund

lint: setup workflows  ## ruff, and actionlint for the workflows
	@$(PYTHON) -m ruff check .

# actionlint is a Go program, pinned in tools/workflows. Without Go everything but the workflows is linted; not so in CI.
# It does not know `queue` yet, which GitHub has since May 2026.
ACTIONLINT := GOFLAGS=-mod=readonly GOWORK=off go tool actionlint -shellcheck= -pyflakes= \
	-ignore 'unexpected key "queue" for "concurrency" section'

workflows:  ## actionlint alone (needs Go 1.25 or later)
	@if command -v go >/dev/null; then cd tools/workflows && $(ACTIONLINT) ../../.github/workflows/*.yml; \
	else echo 'make workflows: there is no Go, so .github/workflows is not linted' >&2; test -z "$$CI"; fi

types: setup  ## mypy --strict
	@$(PYTHON) -m mypy

bench: setup  ## speed and request counts for 100, 500 and 1,000 flags
	@$(PYTHON) -m tools.benchmarks

docs: setup  ## generate docs/reference and the example's client from schemas/ and docs/samples
	@$(PYTHON) -m tools.reference
	@$(PYTHON) -m tools.clients

pictures: setup  ## generate docs/pictures: one of each kind of chart
	@$(PYTHON) -m tools.pictures

# Versions of the command line and of the toolkit; by default the newest.
CLI ?=
TOOLKIT ?=

upstream: setup  ## what a new PostHog accepts that we don't know (needs npm; CLI=0.18.3 TOOLKIT=0.2.4 for older versions)
	@$(PYTHON) -m tools.upstream --cli '$(CLI)' --toolkit '$(TOOLKIT)'

COMPILE := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'
LOCKS := tools/requirements

lock: setup  ## generate tools/requirements/*.txt from pyproject.toml
	$(COMPILE) pyproject.toml --group install --output-file $(LOCKS)/apply.txt
	$(COMPILE) --group sandbox --constraint $(LOCKS)/apply.txt --output-file $(LOCKS)/sandbox.txt
	$(COMPILE) --group development --constraint $(LOCKS)/apply.txt --constraint $(LOCKS)/sandbox.txt \
	  --output-file $(LOCKS)/development.txt
	$(COMPILE) --group go --output-file tools/toolchain/build/requirements.txt

clean:  ## remove what setup and the tools made; state and the sandbox's data stay
	rm -rf .venv .toolchain .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

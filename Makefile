# Everything that one does with this repository. `make` alone lists it.

PYTHON ?= python3
VENV ?= .venv
# The example that `make run` runs: a folder of examples/. And the port that it is served on.
APP ?= fastapi_stream
PORT ?= 9000
# Further arguments of pytest or of the benchmarks, as in `make test ARGS="-k streaming"`.
ARGS ?=

bin := $(abspath $(VENV))/bin
# `./bootstrap` runs the first python3 on PATH: let it be the one of the virtual environment. exec, so that signals arrive.
run := exec env PATH="$(bin):$$PATH"
install := $(bin)/python3 -m pip --disable-pip-version-check --quiet install
locked := $(install) --require-hashes
# One line per requirement with the hashes of every wheel, valid on every Python and processor that everloop supports.
pin = $(VENV)/pins/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-package everloop --custom-compile-command "make pins"

.DEFAULT_GOAL := help
.PHONY: help run run-rie test lint types bench image pins clean

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 14

run: $(VENV)/.ready ## serve the FastAPI example as on Lambda: browse http://127.0.0.1:9000 (APP=hello: another one; PORT=)
	@$(run) everloop dev main:app --root examples/$(APP) --mode streaming --port $(PORT)

run-rie: $(VENV)/.ready ## run it under AWS's own emulator, which takes events alone (APP=hello: another one)
	@$(run) python3 examples/run.py $(APP)

test: $(VENV)/.ready-to-test ## run all tests; those that need Docker are skipped where no engine answers
	$(run) python3 -m pytest $(ARGS)

lint: $(VENV)/.ready-to-test ## check style and layout of the code
	$(run) ruff check .
	$(run) ruff format --check .

types: $(VENV)/.ready-to-test ## check the types
	$(run) mypy

bench: $(VENV)/.ready-to-test ## compare with AWS's own client (ARGS=--short: a quick round)
	$(run) python3 -m benchmarks $(ARGS)

image: ## build the container image `everloop` (PYTHON_IMAGE=… for another base)
	@# Lambda refuses the image index that BuildKit's attestations would make of it.
	BUILDX_NO_DEFAULT_ATTESTATIONS=1 docker build $(if $(PYTHON_IMAGE),--build-arg PYTHON_IMAGE=$(PYTHON_IMAGE)) --tag everloop .

pins: ## renew the pinned requirements
	$(PYTHON) -m venv $(VENV)/pins
	$(VENV)/pins/bin/pip --disable-pip-version-check --quiet install uv
	$(pin) pyproject.toml --output-file requirements/runtime.txt
	$(pin) pyproject.toml --extra test --extra bench --constraint requirements/runtime.txt --output-file requirements/test.txt
	$(pin) pyproject.toml --extra dev --constraint requirements/test.txt --output-file requirements/dev.txt
	$(pin) requirements/build.in --constraint requirements/test.txt --output-file requirements/build.txt
	$(pin) requirements/rie.in --no-deps --output-file requirements/rie.txt
	$(foreach example,$(wildcard examples/*/requirements.in),$(pin) $(example) --constraint requirements/test.txt --output-file $(example:.in=.txt) &&) true

clean: ## remove the virtual environments and every cache
	rm -rf .venv* build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -r {} +

# Made anew from nothing, so that a half-made one of an interrupted run does no harm.
$(VENV)/.made:
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.ready: requirements/dev.txt requirements/build.txt requirements/rie.txt requirements/fetch_rie.py pyproject.toml examples/fastapi_stream/requirements.txt | $(VENV)/.made
	$(locked) -r requirements/dev.txt -r requirements/build.txt -r examples/fastapi_stream/requirements.txt
	$(install) --no-index --no-deps --no-build-isolation --editable .
	$(bin)/python3 requirements/fetch_rie.py $(bin)/aws-lambda-rie
	@touch $@

$(VENV)/.ready-to-test: requirements/test.txt $(VENV)/.ready
	$(locked) -r requirements/test.txt
	@touch $@

# Everything that one does with this repository. `make` alone lists it.

PYTHON ?= python3
VENV ?= .venv
# The example that `make run` runs: a folder of examples/. And the port that it is served on.
APP ?= fastapi_stream
PORT ?= 9000
# Further arguments of pytest or of the benchmarks, as in `make test ARGS="-k streaming"`.
ARGS ?=
# The processor that `make layer` builds for, as Lambda calls it: x86_64 or arm64.
ARCH ?= x86_64

bin := $(abspath $(VENV))/bin
# `./bootstrap` runs the first python3 on PATH: let it be the one of the virtual environment. exec, so that signals arrive.
run := exec env PATH="$(bin):$$PATH"
install := $(bin)/python3 -m pip --disable-pip-version-check --quiet install
locked := $(install) --require-hashes
# Lambda refuses the image index that BuildKit's attestations would make of an image. The labels say what it was built from.
docker_build = BUILDX_NO_DEFAULT_ATTESTATIONS=1 docker build $(if $(PYTHON_IMAGE),--build-arg PYTHON_IMAGE=$(PYTHON_IMAGE)) \
	$(if $(revision),--build-arg REVISION=$(revision) --build-arg CREATED=$(created) --build-arg SOURCE_DATE_EPOCH=$(epoch))
revision = $(shell git rev-parse HEAD 2>/dev/null)
created = $(shell TZ=UTC git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ)
epoch = $(shell git log -1 --format=%ct)
# One line per requirement with the hashes of every wheel, valid on every Python and processor that everloop supports.
pin = $(VENV)/pins/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-package everloop --custom-compile-command "make pins"

.DEFAULT_GOAL := help
.PHONY: help run run-rie test lint types bench image image-dev image-size image-same layer app templates audit pins clean

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 20

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
	$(docker_build) --target runtime --tag everloop .

image-dev: ## build the image with `everloop dev` as well, `everloop-dev`
	$(docker_build) --target dev --tag everloop-dev .

image-size: image ## print what each layer of the image adds to its base
	$(PYTHON) container/layers.py everloop $(or $(PYTHON_IMAGE),python:3.13-slim)

image-same: ## build the image twice from nothing and compare the layers
	$(docker_build) --no-cache --target runtime --tag everloop-once .
	$(docker_build) --no-cache --target runtime --tag everloop-again .
	@[ "$$(docker image inspect --format '{{json .RootFS.Layers}}' everloop-once)" = \
	   "$$(docker image inspect --format '{{json .RootFS.Layers}}' everloop-again)" ] && echo "the same layers"

layer: $(VENV)/.ready ## build the Lambda layer for AWS's managed Python runtimes (ARCH=arm64 for Graviton)
	$(bin)/python3 layer/build.py --arch $(ARCH) dist/everloop-layer-$(ARCH).zip

app: examples/deploy/build ## put an example and all that it needs into a folder, as a ZIP function has it: examples/deploy/build

# For the processor and the Python that the templates of examples/deploy name.
examples/deploy/build: examples/fastapi_stream/requirements.txt examples/fastapi_stream/main.py | $(VENV)/.made
	rm -rf $@
	$(locked) --target $@ --only-binary=:all: --platform manylinux2014_x86_64 --python-version 3.13 -r $<
	cp examples/fastapi_stream/main.py examples/fastapi_stream/index.html $@
	@touch $@

templates: $(VENV)/.ready-to-test $(VENV)/cdk/.ready examples/deploy/build ## synthesise the CDK example and check it with cfn-lint; needs Node.js
	rm -rf $(VENV)/cdk/out
	cd examples/deploy/cdk && CDK_OUTDIR=$(abspath $(VENV))/cdk/out $(abspath $(VENV))/cdk/bin/python3 app.py
	@# W3005, a dependency named twice, is how the CDK writes every function.
	$(bin)/cfn-lint --ignore-checks W3005 --template $(VENV)/cdk/out/*.template.json
	@echo "$$(ls $(VENV)/cdk/out/*.template.json | wc -l) templates are in order"

audit: ## report known vulnerabilities of what is pinned; needs PyPI's service, and fails where that is out of reach
	$(PYTHON) -m venv $(VENV)/audit
	$(VENV)/audit/bin/pip --disable-pip-version-check --quiet install pip-audit
	$(VENV)/audit/bin/pip-audit --strict --disable-pip --require-hashes --requirement requirements/runtime.txt
	$(VENV)/audit/bin/pip-audit --strict --disable-pip --require-hashes --requirement requirements/dev.txt

pins: ## renew the pinned requirements
	$(PYTHON) -m venv $(VENV)/pins
	$(VENV)/pins/bin/pip --disable-pip-version-check --quiet install uv
	$(pin) pyproject.toml --output-file requirements/runtime.txt
	$(pin) pyproject.toml --extra test --extra bench --constraint requirements/runtime.txt --output-file requirements/test.txt
	$(pin) pyproject.toml --extra dev --constraint requirements/test.txt --output-file requirements/dev.txt
	$(pin) requirements/build.in --constraint requirements/test.txt --output-file requirements/build.txt
	$(pin) requirements/cdk.in --constraint requirements/test.txt --output-file requirements/cdk.txt
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

$(VENV)/cdk/.ready: requirements/cdk.txt
	$(PYTHON) -m venv $(VENV)/cdk
	$(VENV)/cdk/bin/pip --disable-pip-version-check --quiet install --require-hashes -r requirements/cdk.txt
	@touch $@

# everloop as a base image for AWS Lambda. A user's own Dockerfile is three lines:
#
#     FROM everloop
#     COPY . .
#     CMD ["main:app"]
#
# Targets: `runtime`, what one deploys (and what `docker build` makes of it, `everloop`); `dev`, with `everloop dev`.
# Only what both the legacy builder and BuildKit understand is used here. docs/image.md tells more.

# Any image with CPython 3.11 or newer, pip and a POSIX shell; or only the version of the usual one.
ARG PYTHON_VERSION=3.13
ARG PYTHON_IMAGE=python:${PYTHON_VERSION}-slim


# ---- build: gathers in /layers what the image adds to its base, each file at the path where it will lie ----------------
# A stage of its own, because what is needed to install (the build backend, a whole wheel around the emulator) must not stay.
# A folder for each layer, so that a new everloop does not push the rest again.
FROM ${PYTHON_IMAGE} AS build
# The hash seed decides in which order bytecode lists sets: fixed, so that the same source gives the same bytes.
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore \
    PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
WORKDIR /src

# Lambda's disk is read-only: bytecode that is not in the image is made anew at every cold start. Files cannot change there
# either, so Python is told not to compare bytecode with its source. Docker's Python images come without bytecode for the
# standard library: 11 MB that save, measured with asyncio, ssl, json and logging, 0.3 of the 0.4 seconds that importing them
# takes. What a base has compiled already stays as it is.
RUN set -eux; \
    stdlib=$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))'); \
    mkdir -p /layers/python; \
    touch /before; \
    python3 -m compileall -q --invalidation-mode unchecked-hash \
        -x '/(ensurepip|idlelib|lib2to3|pydoc_data|site-packages|test|tkinter|turtledemo)/' "$stdlib"; \
    find "$stdlib" -name '*.pyc' -newer /before -not -path '*/site-packages/*' -print0 \
        | tar -c --null -T - | tar -x -C /layers/python

# Dependencies before source: they change rarely, and the layer is kept until their pins change. Wheels only, since there is
# no compiler here. --root keeps the base's own layout, so that a user's `pip install` finds these packages where it looks.
COPY requirements/build.txt requirements/runtime.txt requirements/rie.txt requirements/fetch_rie.py requirements/
COPY container/strip_elf.py container/
RUN set -eux; \
    root=/layers/dependencies; \
    site=$root$(python3 -c 'import sysconfig; print(sysconfig.get_path("purelib"))'); \
    python3 -m pip install --require-hashes --only-binary :all: --root $root --no-compile -r requirements/runtime.txt; \
    python3 container/strip_elf.py $root; \
    find "$site" -type d -name tests -prune -exec rm -r {} +; \
    python3 -m compileall -q --invalidation-mode unchecked-hash -s $root -p / "$site"; \
    python3 -m pip install --require-hashes --only-binary :all: -r requirements/build.txt; \
    python3 requirements/fetch_rie.py $root/usr/local/bin/aws-lambda-rie

COPY pyproject.toml README.md LICENSE ./
COPY runtime/ runtime/
COPY container/sbom.py container/
COPY bootstrap /layers/everloop/var/runtime/bootstrap
COPY runtime/entrypoint.sh /layers/everloop/lambda-entrypoint.sh
# Lambda runs all this as a user that owns none of it. Every file gets the time of the source, so that building the same
# source again makes the same layers.
ARG SOURCE_DATE_EPOCH=315532800
RUN set -eux; \
    root=/layers/everloop; \
    site=$(python3 -c 'import sysconfig; print(sysconfig.get_path("purelib"))'); \
    python3 -m pip install --no-index --no-deps --no-build-isolation --root $root --no-compile .; \
    python3 -m compileall -q --invalidation-mode unchecked-hash -s $root -p / "$root$site"; \
    python3 container/sbom.py $root/usr/share/everloop/sbom.cdx.json \
        /layers/dependencies/usr/local/bin/aws-lambda-rie "$root$site" "/layers/dependencies$site"; \
    mkdir -p $root/var/task; \
    chmod -R a+rX,go-w /layers; \
    find /layers -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +


# ---- runtime: the base and what was gathered --------------------------------------------------------------------------
FROM ${PYTHON_IMAGE} AS runtime
COPY --from=build /layers/python/ /
COPY --from=build /layers/dependencies/ /
COPY --from=build /layers/everloop/ /

# What AWS's base images promise to programs. Their LANG is en_US.UTF-8, a locale that slim images lack.
ENV LAMBDA_TASK_ROOT=/var/task \
    LAMBDA_RUNTIME_DIR=/var/runtime \
    LANG=C.UTF-8 \
    TZ=:UTC \
    PATH=$PATH:/opt/bin
WORKDIR /var/task
ENTRYPOINT ["/lambda-entrypoint.sh"]

# The product is tried before it is called built.
RUN python3 -B -c "import everloop" && test -x /usr/local/bin/aws-lambda-rie && test -x /var/runtime/bootstrap

# SnapStart takes an image of another base than AWS's only with this label; everloop knows how to be restored.
LABEL com.amazonaws.lambda.feature.snapstart="Allow" \
      org.opencontainers.image.title="everloop" \
      org.opencontainers.image.description="AWS Lambda runtime for Python web applications" \
      org.opencontainers.image.licenses="Apache-2.0"
ARG VERSION=0.1.0
ARG REVISION
ARG CREATED
ARG PYTHON_IMAGE
LABEL org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"


# ---- dev: runtime and `everloop dev`, Lambda on a laptop --------------------------------------------------------------
FROM runtime AS build-dev
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore \
    PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
WORKDIR /src
COPY requirements/dev.txt requirements/rie.txt requirements/
COPY container/ container/
ARG SOURCE_DATE_EPOCH=315532800
# What runtime has already, in the same version, is not installed again.
RUN set -eux; \
    site=$(python3 -c 'import sysconfig; print(sysconfig.get_path("purelib"))'); \
    python3 -m pip install --require-hashes --only-binary :all: --root /layers/dev --no-compile -r requirements/dev.txt; \
    python3 container/strip_elf.py /layers/dev; \
    find "/layers/dev$site" -type d -name tests -prune -exec rm -r {} +; \
    python3 -m compileall -q --invalidation-mode unchecked-hash -s /layers/dev -p / "/layers/dev$site"; \
    python3 container/sbom.py /layers/dev/usr/share/everloop/sbom.cdx.json \
        /usr/local/bin/aws-lambda-rie "$site" "/layers/dev$site"; \
    chmod -R a+rX,go-w /layers; \
    find /layers -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

FROM runtime AS dev
COPY --from=build-dev /layers/dev/ /
ENTRYPOINT ["everloop"]
# Inside of a container, 127.0.0.1 is the container's own.
CMD ["dev", "main:app", "--host", "0.0.0.0"]


# ---- example: what compose.yaml runs, and what a Dockerfile with requirements looks like ------------------------------
FROM runtime AS example
COPY examples/fastapi_stream/requirements.txt ./
RUN pip install --no-cache-dir --root-user-action=ignore -r requirements.txt
COPY examples/fastapi_stream/ ./
RUN python3 -m everloop.compile
CMD ["main:app"]

FROM dev AS example-dev
COPY examples/fastapi_stream/requirements.txt ./
RUN pip install --no-cache-dir --root-user-action=ignore -r requirements.txt
COPY examples/fastapi_stream/ ./


# ---- everloop: the last stage is what `docker build` makes; the examples are not in it --------------------------------
FROM runtime AS everloop

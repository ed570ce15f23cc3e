# everloop as a base image for AWS Lambda. A user's own Dockerfile is three lines:
#
#     FROM everloop
#     COPY . .
#     CMD ["main:app"]
#
# Only what both the legacy builder and BuildKit understand is used here.

# Any image with CPython 3.11 or newer, pip and a POSIX shell.
ARG PYTHON_IMAGE=python:3.13-slim


# ---- build: gathers in /rootfs what the image adds to its base, each file at the path where it will lie ----------------
# A stage of its own, because what is needed to install (the build backend, a whole wheel around the emulator) must not stay.
FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# Dependencies before source: they change rarely, and the layer is kept until their pins change. Wheels only, since there is
# no compiler here. --root keeps the base's own layout, so that a user's `pip install` finds these packages where it looks.
COPY requirements/build.txt requirements/runtime.txt requirements/rie.txt requirements/fetch_rie.py requirements/
RUN set -eux; \
    python3 -m pip install --require-hashes --only-binary :all: --root /rootfs --no-compile -r requirements/runtime.txt; \
    python3 -m pip install --require-hashes --only-binary :all: -r requirements/build.txt; \
    python3 requirements/fetch_rie.py /rootfs/usr/local/bin/aws-lambda-rie

COPY pyproject.toml README.md LICENSE ./
COPY runtime/ runtime/
COPY bootstrap /rootfs/var/runtime/bootstrap
COPY runtime/entrypoint.sh /rootfs/lambda-entrypoint.sh
# Lambda's disk is read-only: bytecode that is not in the image is made anew at every cold start. Its files cannot change
# either, so Python is told not to compare them with their source. Lambda runs all this as a user that owns none of it.
RUN set -eux; \
    python3 -m pip install --no-index --no-deps --no-build-isolation --root /rootfs --no-compile .; \
    find /rootfs -type d -name tests -prune -exec rm -r {} +; \
    python3 -m compileall -q --invalidation-mode unchecked-hash -s /rootfs -p / /rootfs; \
    chmod -R a+rX,go-w /rootfs


# ---- runtime: the base and what was gathered --------------------------------------------------------------------------
FROM ${PYTHON_IMAGE} AS runtime
LABEL org.opencontainers.image.title="everloop" \
      org.opencontainers.image.description="AWS Lambda runtime for Python web applications" \
      org.opencontainers.image.licenses="Apache-2.0" \
      com.amazonaws.lambda.feature.snapstart="Allow"

# Docker's Python images come without bytecode for the standard library, too: 11 MB that save, measured with asyncio, ssl, json
# and logging, 0.3 of the 0.4 seconds that importing them takes.
RUN python3 -m compileall -q --invalidation-mode unchecked-hash \
        -x '/(ensurepip|idlelib|lib2to3|site-packages|test|turtledemo)/' \
        "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
COPY --from=build /rootfs/ /

# What AWS's base images promise to programs. Their LANG is en_US.UTF-8, a locale that slim images lack.
ENV LAMBDA_TASK_ROOT=/var/task \
    LAMBDA_RUNTIME_DIR=/var/runtime \
    LANG=C.UTF-8 \
    TZ=:UTC \
    PATH=$PATH:/opt/bin
WORKDIR /var/task
ENTRYPOINT ["/lambda-entrypoint.sh"]

# The product is tried before it is called built.
RUN python3 -c "import everloop" && test -x /usr/local/bin/aws-lambda-rie && test -x /var/runtime/bootstrap


# ---- example: what compose.yaml runs, and what a Dockerfile with requirements looks like ------------------------------
FROM runtime AS example
COPY examples/fastapi_stream/requirements.txt ./
RUN pip install --no-cache-dir --root-user-action=ignore -r requirements.txt
COPY examples/fastapi_stream/ ./
CMD ["main:app"]


# ---- everloop: the last stage is what `docker build` makes; the example is not in it ----------------------------------
FROM runtime AS everloop

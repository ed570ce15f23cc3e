#!/bin/sh
# What a container starts with. Its one argument, the CMD of the image, is the handler.
set -eu

# Exported, because not everything that starts the bootstrap hands arguments on (the emulator's Managed Instances mode does not).
export _HANDLER="${1:-${_HANDLER:-}}"
if [ $# -gt 1 ] || [ -z "$_HANDLER" ]; then
    echo "everloop: expected one argument, the handler, as in CMD [\"main:app\"]; found ${*:-none}" >&2
    exit 142 # as AWS's base images exit
fi

# On Lambda the Runtime API is there. Elsewhere AWS's emulator plays its part, on port 8080.
if [ -z "${AWS_LAMBDA_RUNTIME_API:-}" ]; then
    exec /usr/local/bin/aws-lambda-rie /var/runtime/bootstrap "$_HANDLER"
fi
exec /var/runtime/bootstrap "$_HANDLER"

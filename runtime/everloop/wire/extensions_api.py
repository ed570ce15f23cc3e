"""The requests of the Lambda Extensions API (version 2020-01-01) as bytes.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
"""

IDENTIFIER = b"Lambda-Extension-Identifier"
"""The answer's header that names the extension from then on."""

_NO_EVENTS = b'{"events":[]}'
"""An internal extension may not ask for SHUTDOWN; that it is there is what brings the runtime its SIGTERM."""


def register(host: str, name: str) -> bytes:
    """Encode the registration of an internal extension, which must come before the runtime's first poll."""
    return (
        b"POST /2020-01-01/extension/register HTTP/1.1\r\nHost: %b\r\nLambda-Extension-Name: %b\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
        % (host.encode("latin-1"), name.encode("latin-1"), len(_NO_EVENTS), _NO_EVENTS)
    )


def next_event(host: str, identifier: bytes) -> bytes:
    """Encode the poll for the extension's next event: without it Lambda waits for the extension to be ready."""
    return b"GET /2020-01-01/extension/event/next HTTP/1.1\r\nHost: %b\r\nLambda-Extension-Identifier: %b\r\n\r\n" % (
        host.encode("latin-1"),
        identifier,
    )

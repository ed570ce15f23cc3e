"""Response headers that Function URLs and REST APIs keep for themselves, and hand on under other names.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
"""

from everloop.dev.gateway.answers.answer import RawHeaders

_KEPT = frozenset((b"connection", b"content-length", b"date", b"server", b"www-authenticate"))


def remapped(headers: RawHeaders) -> RawHeaders:
    """Rename them to `x-amzn-remapped-…`: with `www-authenticate` gone, no browser asks for a password."""
    if not any(name in _KEPT for name, _ in headers):
        return headers
    return [(b"x-amzn-remapped-" + name if name in _KEPT else name, value) for name, value in headers]

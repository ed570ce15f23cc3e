"""Who speaks to whom, out of headers that anybody may have written: nothing here raises."""

from collections.abc import Mapping
from functools import lru_cache

from everloop.exchange import Address


@lru_cache(maxsize=256)
def endpoint(
    host: str | None, domain: str | None, forwarded_proto: str | None, forwarded_port: str | None
) -> tuple[str, Address | None]:
    """Give `(scheme, server)` out of the host header, the API's own domain and the `x-forwarded-…` headers.

    A function is called under few names, so the last ones are remembered.
    """
    name, port = split_host(host) if host else (None, None)
    if port is None and forwarded_port is not None:
        port = port_number(forwarded_port)
    scheme = "https"
    if forwarded_proto in ("https", "http"):
        scheme = forwarded_proto
    elif forwarded_proto and forwarded_proto.split(",")[0].strip().lower() in ("https", "http"):
        scheme = forwarded_proto.split(",")[0].strip().lower()
    elif port == 80:
        scheme = "http"
    name = name or domain
    if not name:
        return scheme, None
    return scheme, (name, port or (443 if scheme == "https" else 80))


def endpoint_of(headers: Mapping[bytes, bytes], domain: object) -> tuple[str, Address | None]:
    """Give `(scheme, server)` of a request whose headers are bytes already."""
    get = headers.get
    return _raw_endpoint(
        get(b"host"),
        domain if isinstance(domain, str) else None,
        get(b"x-forwarded-proto"),
        get(b"x-forwarded-port"),
    )


@lru_cache(maxsize=256)
def _raw_endpoint(
    host: bytes | None, domain: str | None, proto: bytes | None, port: bytes | None
) -> tuple[str, Address | None]:
    texts = [value.decode("latin-1") if value is not None else None for value in (host, proto, port)]
    return endpoint(texts[0], domain, texts[1], texts[2])


def split_host(host: str) -> tuple[str | None, int | None]:
    """Split a host header, `name`, `name:port`, `[v6]` or `[v6]:port`; a part that is malformed is None."""
    if ":" not in host:
        return host, None
    if host.startswith("["):
        name, bracket, rest = host[1:].partition("]")
        if not bracket or not name:
            return None, None
        return name, port_number(rest[1:]) if rest.startswith(":") else None
    name, _, port = host.partition(":")
    if ":" in port:
        return host, None  # an IPv6 address without its brackets
    return name or None, port_number(port)


@lru_cache(maxsize=256)
def forwarded_client(forwarded_for: str) -> Address | None:
    """Give the last address of an `x-forwarded-for`: the balancer wrote that one, the client may have written the rest.

    An Application Load Balancer can be told to add the port; it is taken off.
    """
    name, _ = split_host(forwarded_for.rpartition(",")[2].strip())
    return (name, 0) if name else None


def port_number(text: str) -> int | None:
    """Give a port, or None for what is none."""
    if text.isascii() and text.isdigit() and len(text) <= 5 and 0 < (number := int(text)) < 65536:
        return number
    return None


def client_address(ip: object) -> Address | None:
    """Give the client's address; its port is not known on Lambda."""
    return (ip, 0) if isinstance(ip, str) and ip else None

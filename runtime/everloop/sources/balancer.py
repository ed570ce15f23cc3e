"""What load balancers and VPC Lattice share: no context to speak of, so who is speaking stands in the headers."""

from collections.abc import Iterable

from everloop.exchange import HttpRequest, RawHeaders, ResponseHead
from everloop.sources.addresses import endpoint_of, forwarded_client
from everloop.sources.fields import text_bytes


def forwarded_request(
    method: str, path: str, raw_path: bytes, query_string: bytes, headers: RawHeaders, body: bytes
) -> HttpRequest:
    """Make the request out of what the balancer passed on; a health check may lack every header but its user agent."""
    known = dict(headers)
    if b"x-forwarded-for-proto" in known:  # Lattice's names for both
        known.setdefault(b"x-forwarded-proto", known[b"x-forwarded-for-proto"])
    if b"x-forwarded-for-port" in known:
        known.setdefault(b"x-forwarded-port", known[b"x-forwarded-for-port"])
    scheme, server = endpoint_of(known, None)
    forwarded_for = known.get(b"x-forwarded-for")
    return HttpRequest(
        method=method.upper(),
        path=path,
        raw_path=raw_path,
        root_path="",
        query_string=query_string,
        headers=headers,
        client=forwarded_client(forwarded_for.decode("latin-1")) if forwarded_for else None,
        server=server,
        scheme=scheme,
        body=body,
    )


def verbatim_query(pairs: Iterable[tuple[str, str]]) -> bytes:
    """Join pairs that came as the client wrote them: encoding them again would change what they say."""
    return text_bytes("&".join([key + "=" + value for key, value in pairs]))


def single_headers(head: ResponseHead) -> dict[str, str]:
    """Give headers for a balancer that takes one value for each name: repeated ones joined by a comma.

    Cookies cannot be joined, for their dates have commas. Names differ by letter case alone there, and in HTTP not at
    all, so each further cookie gets a spelling of its own: `set-cookie`, `Set-cookie`, `sEt-cookie`, …
    """
    headers: dict[str, str] = {}
    cookies = 0
    for name, value in head.headers:
        if name == "set-cookie":
            headers[_spelling(name, cookies)] = value
            cookies += 1
        elif name in headers:
            headers[name] = f"{headers[name]},{value}"
        else:
            headers[name] = value
    return headers


def multi_headers(head: ResponseHead) -> dict[str, list[str]]:
    """Give headers for a balancer that takes lists."""
    headers: dict[str, list[str]] = {}
    for name, value in head.headers:
        if name in headers:
            headers[name].append(value)
        else:
            headers[name] = [value]
    return headers


def _spelling(name: str, number: int) -> str:
    """Give the number-th spelling of a name: each bit makes one letter a capital. `set-cookie` has 512."""
    if not number:
        return name
    spelt: list[str] = []
    for letter in name:
        if letter.isalpha():
            spelt.append(letter.upper() if number & 1 else letter)
            number >>= 1
        else:
            spelt.append(letter)
    return "".join(spelt)

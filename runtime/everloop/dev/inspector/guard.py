"""Who may use what runs code: programs, and pages of this very server, but no page of anybody else.

A page of another site can make a browser send requests to a server on this machine (CSRF), and by pointing its own
host name at 127.0.0.1 it can read the answers, too (DNS rebinding). Browsers say where a request comes from, in
`Origin` and `Sec-Fetch-Site`, and which name it was sent to, in `Host`.
"""

import ipaddress
from collections.abc import Collection, Iterable, Mapping
from urllib.parse import urlsplit

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOCAL_NAMES = frozenset(("localhost",))


def refusal(headers: Mapping[str, str], allowed: Collection[str] = ()) -> str | None:
    """Say why a request must be refused, None where it may pass. `allowed` are host names besides the local ones.

    An address is a safe `Host`: only a name can be pointed elsewhere by who owns it.
    """
    host = headers.get("host", "")
    name = _name(host)
    if not (_is_address(name) or _is_local(name) or name in allowed):
        return (
            f"This server was called by the name {name!r}, which is not known to be its own. A page of another site "
            f"might do so. Call it by its address or as localhost, or start it with --allow-host {name or 'NAME'}."
        )
    site = headers.get("sec-fetch-site")
    if site not in (None, "same-origin", "none"):
        return f"The request comes from a page of another site (Sec-Fetch-Site: {site})."
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        return f"The request comes from a page of another site (Origin: {origin})."
    return None


def from_browser(headers: Mapping[str, str]) -> bool:
    """Tell whether a page may have sent a request: every browser puts `Origin` into a POST."""
    return "origin" in headers or "sec-fetch-site" in headers


class Guard:
    """Puts the rules before an application. `programs`: requests that no page has sent pass by whatever name."""

    def __init__(self, app: ASGIApp, allowed: Iterable[str] = (), *, programs: bool = False) -> None:
        self._app = app
        self._allowed = frozenset(name.lower() for name in allowed)
        self._programs = programs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse with 403, or pass on."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if not (self._programs and not from_browser(headers)):
            why = refusal(headers, self._allowed)
            if why is not None:
                await JSONResponse({"error": why}, 403)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _name(host: str) -> str:
    """Give the name or address in a Host header, without its port and brackets."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return host


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_local(name: str) -> bool:
    # RFC 6761, section 6.3: names under localhost lead nowhere else.
    return name in LOCAL_NAMES or name.endswith(".localhost")

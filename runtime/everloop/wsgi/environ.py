"""The one place where a WSGI environment is made (PEP 3333)."""

import io
import sys
from typing import Any
from urllib.parse import unquote_to_bytes

from everloop.exchange import HttpRequest, RawHeaders

Environ = dict[str, Any]


_names: dict[bytes, str] = {}
"""Header names as CGI has them. The same few dozen come again and again; the first ones are remembered."""

_REMEMBERED = 512


def cgi_name(name: bytes) -> str:
    """Give a header's name as CGI has it, or nothing for one that is left out."""
    if b"_" in name:
        return ""  # after the translation nobody could tell x_forwarded_for from x-forwarded-for
    text = name.decode("latin-1").upper().replace("-", "_")
    cgi = text if text in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{text}"
    if len(_names) < _REMEMBERED:
        _names[name] = cgi
    return cgi


def build_environ(request: HttpRequest, *, multithread: bool) -> Environ:
    """Make the environment of a request. Text is bytes decoded as latin-1, as PEP 3333 has it.

    `root_path` becomes SCRIPT_NAME and the rest of the path PATH_INFO. Names with underscores are left out.
    """
    script_name, path_info = split_paths(request)
    server = request.server or ("localhost", 80)
    environ: Environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": script_name,
        "PATH_INFO": path_info,
        "QUERY_STRING": request.query_string.decode("latin-1"),
        "RAW_URI": _raw_uri(request),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": multithread,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if request.client is not None:
        environ["REMOTE_ADDR"] = request.client[0]
    environ.update(_headers(request.headers))
    if request.body:
        # What the client sent is of the encoded body, where Lambda has decoded one.
        environ["CONTENT_LENGTH"] = str(len(request.body))
    return environ


def _headers(pairs: RawHeaders) -> dict[str, str]:
    """Give headers as CGI has them, those that come several times in one."""
    try:
        # Without a call for each: nearly always every name is known and comes once.
        headers = {_names[name]: value.decode("latin-1") for name, value in pairs}
    except KeyError:
        pass
    else:
        if len(headers) == len(pairs):
            return headers
    headers = {}
    for name, value in pairs:
        if key := cgi_name(name):
            text = value.decode("latin-1")
            # RFC 6265 forbids the comma between cookies, RFC 9110 asks for it elsewhere.
            headers[key] = text if key not in headers else headers[key] + (";" if key == "HTTP_COOKIE" else ",") + text
    return headers


def split_paths(request: HttpRequest) -> tuple[str, str]:
    """Give SCRIPT_NAME and PATH_INFO: the bytes that the client encoded, each as one latin-1 character."""
    raw = request.raw_path
    path = request.path if b"%" not in raw and request.path.isascii() else unquote_to_bytes(raw).decode("latin-1")
    root = request.root_path
    if root:
        if not root.isascii():
            root = root.encode().decode("latin-1")
        if path.startswith(root):
            path = path[len(root) :]
    return root, path


def _raw_uri(request: HttpRequest) -> str:
    raw = request.raw_path + b"?" + request.query_string if request.query_string else request.raw_path
    return raw.decode("latin-1")

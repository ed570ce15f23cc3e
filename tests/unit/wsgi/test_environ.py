"""The WSGI environment of a request, beside the standard library's validator."""

import warnings
from typing import Any
from wsgiref.validate import validator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everloop.exchange import HttpRequest
from everloop.sources.mount import mount
from everloop.sources.paths import split_path
from everloop.sources.registry import HTTP, select
from everloop.wsgi.cycle import WsgiCycle
from everloop.wsgi.environ import build_environ
from support.payloads import payloads
from support.sinks import RecordingSink


def request(path: str = "/", **how: Any) -> HttpRequest:
    decoded, raw = split_path(path)
    made = HttpRequest(
        method="GET",
        path=decoded,
        raw_path=raw,
        root_path="",
        query_string=b"",
        headers=[],
        client=("192.0.2.1", 0),
        server=("example.com", 443),
        scheme="https",
        body=b"",
    )
    for name, value in how.items():
        setattr(made, name, value)
    return made


def environ(made: HttpRequest) -> dict[str, Any]:
    return build_environ(made, multithread=False)


@pytest.mark.parametrize("case", payloads("function-url", "rest", "alb", "http-api", "lattice"), ids=repr)
def test_pep_3333s_own_validator_takes_it(case: Any) -> None:
    """For every event of every source that can be a request."""

    def app(given: Any, start_response: Any) -> Any:
        given["wsgi.input"].read(0)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"ok"]

    event = case.event
    made = environ(select(event, HTTP).decode(event))
    made.pop("HTTP_CONTENT_TYPE", None)
    sink = RecordingSink()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of methods that it does not know
        WsgiCycle(made["REQUEST_METHOD"], sink, joined=True).run(validator(app), made)
    assert sink.told[0][1] == 200


def test_paths_are_bytes_as_latin_1() -> None:
    """Decoded once, with what the client encoded in it, also behind a base path."""
    made = request("/api/caf%C3%A9%2Fx%FF")
    mount(made, "/api")
    found = environ(made)

    assert (found["SCRIPT_NAME"], found["PATH_INFO"].encode("latin-1")) == ("/api", b"/caf\xc3\xa9/x\xff")
    assert found["RAW_URI"] == "/api/caf%C3%A9%2Fx%FF"


def test_a_base_path_beyond_ascii_is_bytes_as_latin_1_too() -> None:
    """As the path that it is taken off."""
    made = request("/caf%C3%A9/x")
    mount(made, "/café")
    found = environ(made)

    assert (found["SCRIPT_NAME"].encode("latin-1"), found["PATH_INFO"]) == ("/café".encode(), "/x")


@pytest.mark.parametrize("multithread", [True, False])
def test_what_kind_of_server_this_is(*, multithread: bool) -> None:
    """Several requests at once or one; one process, which serves again and again."""
    found = build_environ(request(), multithread=multithread)

    assert found["wsgi.multithread"] is multithread
    assert (found["wsgi.multiprocess"], found["wsgi.run_once"]) == (False, False)


@given(st.binary(min_size=1, max_size=12))
def test_any_path_comes_back(raw: bytes) -> None:
    """What any client can ask for, the application can see."""
    quoted = "/" + "".join(f"%{byte:02X}" for byte in raw)

    assert environ(request(quoted))["PATH_INFO"].encode("latin-1") == b"/" + raw


def test_headers_are_cgi_names() -> None:
    """Repeated ones joined: cookies by a semicolon, others by a comma; those with underscores are no header's."""
    found = environ(
        request(
            headers=[
                (b"content-type", b"text/plain"),
                (b"x-many", b"1"),
                (b"x-many", b"2"),
                (b"cookie", b"a=1"),
                (b"cookie", b"b=2"),
                (b"x_forwarded_for", b"forged"),
                (b"x-name", b"caf\xe9"),
            ]
        )
    )

    assert (found["CONTENT_TYPE"], found["HTTP_X_MANY"], found["HTTP_COOKIE"]) == ("text/plain", "1,2", "a=1;b=2")
    assert found["HTTP_X_NAME"] == "café"
    assert "HTTP_X_FORWARDED_FOR" not in found
    assert "HTTP_CONTENT_TYPE" not in found


def test_the_length_is_that_of_the_body_that_is_there() -> None:
    """Whatever the client said: Lambda decodes base64 and compresses nothing."""
    found = environ(request(body=b"x" * 6_000_000, headers=[(b"content-length", b"8000000")]))

    assert found["CONTENT_LENGTH"] == "6000000"
    assert len(found["wsgi.input"].read()) == 6_000_000
    assert found["wsgi.input_terminated"] is True


def test_where_nobody_is_known() -> None:
    """No client, no server."""
    found = environ(request(client=None, server=None))

    assert "REMOTE_ADDR" not in found
    assert (found["SERVER_NAME"], found["SERVER_PORT"]) == ("localhost", "80")


def test_requests_share_nothing() -> None:
    """Not even the names that are remembered."""
    made = request(headers=[(b"x-one", b"1")])
    first = environ(made)
    first["HTTP_X_ONE"] = first["wsgi.input"] = "changed"

    assert environ(made)["HTTP_X_ONE"] == "1"

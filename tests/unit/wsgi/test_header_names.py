"""WSGI environments: what a request's headers become."""

from hypothesis import given
from hypothesis import strategies as st

from everloop.exchange import HttpRequest
from everloop.wsgi.environ import build_environ

NAMES = [b"accept", b"cookie", b"content-type", b"x-one", b"x_one", b"x-two"]


def environ_of(*headers: tuple[bytes, bytes]) -> dict[str, str]:
    environ = build_environ(HttpRequest("GET", "/", b"/", list(headers)), multithread=False)
    return {name: value for name, value in environ.items() if name.startswith(("HTTP_", "CONTENT_"))}


def test_headers_have_their_names_of_cgi() -> None:
    """All with HTTP_ but two, as PEP 3333 has it from CGI."""
    assert environ_of((b"accept-language", b"de"), (b"content-type", b"text/plain"), (b"content-length", b"3")) == {
        "HTTP_ACCEPT_LANGUAGE": "de",
        "CONTENT_TYPE": "text/plain",
        "CONTENT_LENGTH": "3",
    }


def test_repeated_headers_are_joined_and_cookies_in_their_own_way() -> None:
    """A comma would end up inside a cookie."""
    assert environ_of((b"x-one", b"1"), (b"cookie", b"a=1"), (b"x-one", b"2"), (b"cookie", b"b=2")) == {
        "HTTP_X_ONE": "1,2",
        "HTTP_COOKIE": "a=1;b=2",
    }


def test_names_with_underscores_are_left_out_every_time() -> None:
    """They could pass for others, as x_forwarded_for for x-forwarded-for."""
    for _ in range(3):
        assert environ_of((b"x_forwarded_for", b"1"), (b"accept", b"*/*")) == {"HTTP_ACCEPT": "*/*"}


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from([b"", b"1", b"\xe9"])), max_size=6))
def test_names_that_are_remembered_change_nothing(headers: list[tuple[bytes, bytes]]) -> None:
    """The short way for names that are known and come once gives what one header after the other does."""
    expected: dict[str, str] = {}
    for name, value in headers:
        if b"_" not in name:
            key = name.decode().upper().replace("-", "_")
            key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
            joint = ";" if key == "HTTP_COOKIE" else ","
            text = value.decode("latin-1")
            expected[key] = text if key not in expected else expected[key] + joint + text

    assert environ_of(*headers) == expected

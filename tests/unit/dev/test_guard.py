"""Who may use what runs code."""

import pytest

from everloop.dev.inspector.guard import from_browser, refusal


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "127.0.0.1:9000"},
        {"host": "localhost:9000"},
        {"host": "LOCALHOST"},
        {"host": "app.localhost:9000"},
        {"host": "[::1]:9000"},
        {"host": "192.0.2.7:9000"},
        {"host": "127.0.0.1:9000", "origin": "http://127.0.0.1:9000"},
        {"host": "localhost:9000", "origin": "http://localhost:9000", "sec-fetch-site": "same-origin"},
        {"host": "localhost:9000", "sec-fetch-site": "none"},
        {"host": "lambda.test:9000", "origin": "https://lambda.test:9000"},
    ],
    ids=str,
)
def test_pages_of_this_server_and_programs_pass(headers: dict[str, str]) -> None:
    """An address is safe, since only a name can be pointed elsewhere; a name must be known."""
    assert refusal(headers, {"lambda.test"}) is None


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({}, "by the name ''"),
        ({"host": "elsewhere.example"}, "by the name 'elsewhere.example'"),
        ({"host": "localhost.example"}, "by the name 'localhost.example'"),
        ({"host": "[::1"}, "by the name '[::1'"),
        ({"host": "localhost:9000", "origin": "http://localhost:9001"}, "Origin: http://localhost:9001"),
        ({"host": "localhost:9000", "origin": "http://elsewhere.example"}, "Origin: http://elsewhere.example"),
        ({"host": "localhost:9000", "origin": "null"}, "Origin: null"),
        ({"host": "localhost:9000", "sec-fetch-site": "cross-site"}, "Sec-Fetch-Site: cross-site"),
        ({"host": "localhost:9000", "sec-fetch-site": "same-site"}, "Sec-Fetch-Site: same-site"),
    ],
    ids=str,
)
def test_pages_of_others_are_refused(headers: dict[str, str], why: str) -> None:
    """Other origins (a sandboxed one is null, another port is another), and names that are not known."""
    said = refusal(headers)
    assert said is not None
    assert why in said


def test_a_browser_tells_itself() -> None:
    """By either header; a program sends none of them."""
    assert from_browser({"origin": "http://a"})
    assert from_browser({"sec-fetch-site": "none"})
    assert not from_browser({"host": "a"})

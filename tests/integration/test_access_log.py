"""EVERLOOP_ACCESS_LOG: one record for each request."""

import json
import re

from support.environment import Launcher
from support.sample_events import function_url

FIELDS = {"method", "path", "status", "bytes", "duration_ms", "first_byte_ms"}


def test_a_line_per_request_with_its_id_and_without_its_query(launch: Launcher) -> None:
    """Method, path, status and bytes; secrets in a query are not written."""
    env = launch("answers_with:app", {"EVERLOOP_ACCESS_LOG": "on"})
    exchange = env.invoke(function_url("/a", query="token=secret"))
    exchange.response()
    line = env.process.wait_for_log(r"method=GET path=/a status=200 bytes=\d+ duration_ms=").text

    assert exchange.request_id in line
    assert set(re.findall(r"(\w+)=", line)) == FIELDS
    assert env.process.logged("secret") == []


def test_json_records_have_the_fields_as_keys(launch: Launcher) -> None:
    """A log query can filter and sum."""
    env = launch("answers_with:app", {"EVERLOOP_ACCESS_LOG": "on", "AWS_LAMBDA_LOG_FORMAT": "JSON"})
    exchange = env.invoke(function_url("/a"))
    exchange.response()
    line = env.process.wait_for_log("duration_ms").text
    record = json.loads(line)

    assert set(record) >= FIELDS
    assert (record["method"], record["path"], record["status"]) == ("GET", "/a", 200)
    assert record["requestId"] == exchange.request_id
    assert 0 <= record["first_byte_ms"] <= record["duration_ms"]


def test_the_answer_in_place_of_a_failed_one_is_logged(launch: Launcher) -> None:
    """What the client got counts: a 500."""
    env = launch("warmed:app", {"EVERLOOP_ACCESS_LOG": "on"})
    assert env.answers(function_url("/raises"))["statusCode"] == 500

    env.process.wait_for_log("path=/raises status=500 bytes=21 ")


def test_the_answer_in_place_of_one_that_cannot_be_sent_is_logged(launch: Launcher) -> None:
    """A prelude over Lambda's limit is a 500 to the client, so it is one here."""
    env = launch("answers_with:huge_head", {"EVERLOOP_ACCESS_LOG": "on", "EVERLOOP_RESPONSE_MODE": "streaming"})
    exchange = env.invoke(function_url("/a", query="size=20000")).wait()

    assert exchange.request.prelude()["statusCode"] == 500
    assert exchange.request.stream() == b"Internal Server Error"
    env.process.wait_for_log("path=/a status=500 bytes=21 ")


def test_it_is_off_unless_asked_for(launch: Launcher) -> None:
    """No line per request."""
    env = launch("answers_with:app")
    env.answers(function_url("/a"))
    env.answers(function_url("/b"))

    assert env.process.logged("duration_ms") == []

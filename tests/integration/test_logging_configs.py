"""What a user's own configuration of logging says, holds; and everloop's own records come out whatever it is."""

import json
import os
import re
import threading
from typing import Any

import pytest

from support.environment import Launcher
from support.payloads import EVENTS, SCOPE_SUFFIX
from support.sample_events import function_url

EXPECTED = {
    "": r"^\[INFO\]\t\S+Z\t{id}\torder taken$",
    "dictConfig": r"^PLAIN INFO shop: order taken$",
    "uvicorn": r"^PLAIN INFO shop: order taken$",
    "basicConfig": r"^\[INFO\]\t\S+Z\t{id}\torder taken$",
    "structlog": r"order taken",
    "structlog-stdlib": r"^\[INFO\]\t\S+Z\t{id}\t.*\"event\": \"order taken\"",
    "loguru": r"^PLAIN INFO logging_configs: order taken$",
    "powertools": r"^\{{.*\"message\":\"order taken\".*\"service\":\"shop\"",
    "filter": r"^PLAIN {id} order taken$",
}


@pytest.mark.parametrize("how", EXPECTED)
def test_the_users_configuration_holds(launch: Launcher, how: str) -> None:
    """A record comes out once, in the user's form; a failure is logged whole, by whatever handler there is."""
    env = launch("logging_configs:app", {"LOGGING": how, **({} if how else {"AWS_LAMBDA_LOG_LEVEL": "INFO"})})
    exchange = env.invoke(function_url())
    exchange.response()
    env.process.wait_for_log("is an ASGI application")
    env.process.wait_for_log(EXPECTED[how].format(id=exchange.request_id))
    env.invoke(function_url("/raise")).response()
    env.process.wait_for_log("ValueError: out of stock")
    assert len(env.process.logged("order taken")) == 2, env.process.log
    assert len(env.process.logged("is an ASGI application")) == 1


def test_force_replaces_the_handler(launch: Launcher) -> None:
    """`basicConfig(force=True)` is the user's word: everything goes where it says."""
    env = launch("logging_configs:app", {"LOGGING": "force"})
    env.invoke(function_url("/raise")).response()
    env.process.wait_for_log("^PLAIN INFO shop: order taken$")
    env.process.wait_for_log("^PLAIN INFO everloop: everloop .* is an ASGI application")
    env.process.wait_for_log("^PLAIN ERROR everloop: The application raised$")


def test_records_are_frames_where_lambda_offers_a_descriptor(launch: Launcher) -> None:
    """Multi-line records as one frame each, prints as they are; the variable is gone, so that children write none."""
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    data: list[bytes] = []
    reader = threading.Thread(target=lambda: data.extend(iter(lambda: os.read(reading, 65536), b"")))
    reader.start()
    try:
        settings = {"_LAMBDA_TELEMETRY_LOG_FD": str(writing), "AWS_LAMBDA_LOG_LEVEL": "INFO"}
        env = launch("telemetry:app", settings, pass_fds=(writing,))
        assert env.answers(function_url())["body"] == "None"
        env.process.wait_for_log("^printed line$")
        env.process.signal(15)
        assert env.process.exit_code() == 0
    finally:
        os.close(writing)
        reader.join(5)
        os.close(reading)
    frames = list(parsed(b"".join(data)))
    types = {text.split("\t")[0]: kind for kind, text in frames}
    assert (types["[INFO]"], types["[ERROR]"]) == (0xA55A000F, 0xA55A0017)
    [trace] = [text for _, text in frames if "Traceback" in text]
    assert trace.count("\n") > 3
    assert trace.endswith("KeyError: 'lost'")
    assert not env.process.logged("Traceback")


def parsed(data: bytes) -> Any:
    while data:
        length = int.from_bytes(data[4:8], "big")
        yield int.from_bytes(data[:4], "big"), data[16 : 16 + length].decode()
        data = data[16 + length :]


SECRET = "hunter2-s3cr3t"


def with_secrets(value: Any) -> Any:
    """Plant the secret in every text of a request's headers, query, cookies and body, and wherever events hold data."""
    if not isinstance(value, dict):
        return value
    planted = dict(value)
    planted["body"] = f'{{"password":"{SECRET}"}}'
    planted["isBase64Encoded"] = False
    for name in ("headers", "queryStringParameters", "stageVariables"):
        if name in value:
            planted[name] = {**(value[name] or {}), "authorization": SECRET, "cookie": f"session={SECRET}"}
    for name in ("multiValueHeaders", "multiValueQueryStringParameters"):
        if name in value:
            planted[name] = {**(value[name] or {}), "authorization": [SECRET]}
    if "rawQueryString" in value:
        planted["rawQueryString"] = f"token={SECRET}"
    if "cookies" in value:
        planted["cookies"] = [f"session={SECRET}"]
    return planted


@pytest.mark.parametrize("log_format", ["Text", "JSON"])
@pytest.mark.parametrize("handler", ["failing:before_start", "answers_with:app"])
def test_no_secret_of_any_event_is_logged_at_info(launch: Launcher, handler: str, log_format: str) -> None:
    """Whatever the source, whether the application answers or raises, with the access log and metrics on."""
    settings = {"EVERLOOP_ACCESS_LOG": "on", "EVERLOOP_METRICS": "emf", "AWS_LAMBDA_LOG_FORMAT": log_format}
    env = launch(handler, {"AWS_LAMBDA_LOG_LEVEL": "INFO", **settings})
    paths = [path for path in sorted(EVENTS.rglob("*.json")) if not path.name.endswith(SCOPE_SUFFIX)]
    assert len(paths) > 20
    for path in paths:
        event = json.loads(path.read_text(encoding="utf-8"))
        exchange = env.invoke(with_secrets(event))
        exchange.wait()
        env.process.wait_for_log(exchange.request_id)
    env.invoke({**function_url(), "requestContext": SECRET, "body": SECRET}).wait()
    env.invoke({"Records": [{"body": SECRET}]}).wait()
    env.invoke(SECRET.encode()).wait()
    env.invoke({**function_url(body=SECRET), "isBase64Encoded": True}).wait()
    env.invoke({**function_url(), "cookies": SECRET, "headers": {"authorization": [SECRET]}}).wait()
    env.api.wait_for_poll()
    assert SECRET not in env.process.log


@pytest.mark.parametrize("log_format", ["Text", "JSON"])
def test_a_hundred_requests_at_a_time_are_told_apart(launch: Launcher, log_format: str) -> None:
    """Each record has the id of its own request, with its trace and tenant; in this mode it is JSON in any case."""
    env = launch("telemetry:named", {"AWS_LAMBDA_MAX_CONCURRENCY": "100", "AWS_LAMBDA_LOG_FORMAT": log_format})
    env.api.wait_for_poll(100)
    exchanges = [
        env.invoke(
            function_url(query=f"n={number}"),
            headers={"Lambda-Runtime-Trace-Id": f"Root={number}", "Lambda-Runtime-Aws-Tenant-Id": f"t{number}"},
        )
        for number in range(100)
    ]
    for number, exchange in enumerate(exchanges):
        exchange.response()
        for line in env.process.wait_for_logs(rf'"message": "n={number} ', 3):
            record = json.loads(line.text)
            assert record["requestId"] == exchange.request_id
            assert (record["traceId"], record["tenantId"]) == (f"Root={number}", f"t{number}")


def test_text_records_parse_back(launch: Launcher) -> None:
    """Level, time, request id and message, separated by tabs."""
    env = launch("talking:app", {"AWS_LAMBDA_LOG_LEVEL": "DEBUG"})
    exchange = env.invoke(function_url())
    exchange.response()
    env.process.wait_for_log("caught one")
    for line in env.process.logged("^\\["):
        assert re.fullmatch(r"\[[A-Z]+\]\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t[0-9a-f-]*\t[^\n]+", line.text)


def test_json_records_parse_back(launch: Launcher) -> None:
    """Every line that everloop writes is an object with what Lambda filters by."""
    env = launch("talking:app", {"AWS_LAMBDA_LOG_LEVEL": "DEBUG", "AWS_LAMBDA_LOG_FORMAT": "JSON"})
    exchange = env.invoke(function_url())
    exchange.response()
    env.process.wait_for_log("caught one")
    records = [json.loads(line.text) for line in env.process.lines if line.text != "printed line"]
    assert all({"timestamp", "level", "message", "logger"} <= set(record) for record in records)
    [caught] = [record for record in records if record["message"] == "caught one"]
    assert (caught["errorType"], caught["errorMessage"]) == ("KeyError", "'lost'")
    assert "talking.py" in caught["stackTrace"][0]
    assert caught["location"].startswith("/")
    assert {record.get("requestId") for record in records} == {None, exchange.request_id}

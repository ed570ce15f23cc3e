"""Settings out of an environment: valid or refused, with all faults together."""

import contextlib
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everloop.errors import InitError, InvalidSettings
from everloop.settings import Settings

LAMBDA = {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001", "_HANDLER": "main:app"}


def read(environ: Mapping[str, str] | None = None, *arguments: str) -> Settings:
    return Settings.from_environ(LAMBDA | dict(environ or {}), arguments)


def faults(environ: Mapping[str, str]) -> str:
    with pytest.raises(InvalidSettings) as caught:
        read(environ)
    return str(caught.value)


def test_the_defaults_are_the_contracts() -> None:
    """What holds where nothing is set."""
    settings = read()

    assert settings.runtime_api == "127.0.0.1:9001"
    assert settings.handler == "main:app"
    assert settings.interface == "auto"
    assert settings.response_mode == "buffered"
    assert settings.lifespan == "auto"
    assert settings.workers == 1
    assert settings.loop == "auto"
    assert settings.startup_timeout == 0
    assert settings.deadline_margin == 0.25
    assert settings.shutdown_timeout == 0.45
    assert settings.base_path == ""
    assert settings.text_types == ()
    assert settings.error_statuses == frozenset()
    assert settings.sources == ()
    assert settings.websocket_store == "memory"
    assert settings.unknown == ()


VALID: list[tuple[str, str, str, Any]] = [
    ("EVERLOOP_INTERFACE", "asgi", "interface", "asgi"),
    ("EVERLOOP_INTERFACE", "wsgi", "interface", "wsgi"),
    ("EVERLOOP_INTERFACE", "handler", "interface", "handler"),
    ("EVERLOOP_EVENTS", "/hooks/aws?source=lambda", "events", "/hooks/aws?source=lambda"),
    ("EVERLOOP_EVENTS", "OFF", "events", "off"),
    ("EVERLOOP_EVENTS", "jobs.queue:handler", "events", "jobs.queue:handler"),
    ("EVERLOOP_RESPONSE_MODE", "streaming", "response_mode", "streaming"),
    ("EVERLOOP_RESPONSE_MODE", "buffered", "response_mode", "buffered"),
    ("EVERLOOP_LIFESPAN", "on", "lifespan", "on"),
    ("EVERLOOP_LIFESPAN", "off", "lifespan", "off"),
    ("EVERLOOP_LOOP", "asyncio", "loop", "asyncio"),
    ("EVERLOOP_LOOP", "uvloop", "loop", "uvloop"),
    ("EVERLOOP_SOURCES", "my_sources:IotRule", "sources", ("my_sources:IotRule",)),
    ("EVERLOOP_SOURCES", " b.c:D , a:B.C,", "sources", ("b.c:D", "a:B.C")),
    ("EVERLOOP_WEBSOCKET_STORE", "memory", "websocket_store", "memory"),
    ("EVERLOOP_WEBSOCKET_STORE", " dynamodb:my-Table_1.x ", "websocket_store", "dynamodb:my-Table_1.x"),
    ("EVERLOOP_STARTUP_TIMEOUT", "8.5", "startup_timeout", 8.5),
    ("EVERLOOP_DEADLINE_MARGIN", "0", "deadline_margin", 0.0),
    ("EVERLOOP_SHUTDOWN_TIMEOUT", "1.8", "shutdown_timeout", 1.8),
    ("EVERLOOP_BASE_PATH", "api", "base_path", "/api"),
    ("EVERLOOP_BASE_PATH", "/api", "base_path", "/api"),
    ("EVERLOOP_BASE_PATH", "/api/", "base_path", "/api"),
    ("EVERLOOP_BASE_PATH", "/api/v1/", "base_path", "/api/v1"),
    ("EVERLOOP_BASE_PATH", "/", "base_path", ""),
    ("EVERLOOP_TEXT_TYPES", "application/x-foo", "text_types", ("application/x-foo",)),
    ("EVERLOOP_TEXT_TYPES", "a/b, C/D ,", "text_types", ("a/b", "c/d")),
    ("EVERLOOP_ERROR_STATUSES", "500", "error_statuses", frozenset({500})),
    ("EVERLOOP_ERROR_STATUSES", "500,502-504", "error_statuses", frozenset({500, 502, 503, 504})),
    ("EVERLOOP_ERROR_STATUSES", " 422 , 500 - 501 ", "error_statuses", frozenset({422, 500, 501})),
]


@pytest.mark.parametrize(("name", "value", "field", "expected"), VALID)
def test_valid_values(name: str, value: str, field: str, expected: object) -> None:
    """Every setting in the forms that the contract names."""
    assert getattr(read({name: value}), field) == expected


INVALID = [
    ("EVERLOOP_INTERFACE", "fastapi", "auto or asgi or wsgi or handler"),
    ("EVERLOOP_EVENTS", "events", "a path such as /events"),
    ("EVERLOOP_EVENTS", "/a b", "a path such as /events"),
    ("EVERLOOP_WORKERS", "many", "auto or a whole number"),
    ("EVERLOOP_WORKERS", "0", "auto or a whole number"),
    ("EVERLOOP_WORKERS", "2", "at most 1"),
    ("EVERLOOP_WORKERS", "1" * 5000, "auto or a whole number"),
    ("EVERLOOP_RESPONSE_MODE", "response_stream", "buffered or streaming"),
    ("EVERLOOP_LIFESPAN", "yes", "auto or on or off"),
    ("EVERLOOP_LOOP", "trio", "auto or uvloop or asyncio"),
    ("EVERLOOP_SOURCES", "my_sources", "my_sources:IotRule"),
    ("EVERLOOP_SOURCES", "my_sources.py:IotRule()", "my_sources:IotRule"),
    ("EVERLOOP_SOURCES", "a:B c:D", "separated by commas"),
    ("EVERLOOP_WEBSOCKET_STORE", "redis", "dynamodb:TABLE"),
    ("EVERLOOP_WEBSOCKET_STORE", "dynamodb", "dynamodb:TABLE"),
    ("EVERLOOP_WEBSOCKET_STORE", "dynamodb:a b", "dynamodb:TABLE"),
    ("EVERLOOP_STARTUP_TIMEOUT", "soon", "seconds"),
    ("EVERLOOP_STARTUP_TIMEOUT", "-1", "seconds"),
    ("EVERLOOP_STARTUP_TIMEOUT", "1e300", "at most 1000000"),
    ("EVERLOOP_DEADLINE_MARGIN", "nan", "seconds"),
    ("EVERLOOP_DEADLINE_MARGIN", "inf", "seconds"),
    ("EVERLOOP_DEADLINE_MARGIN", "250ms", "seconds"),
    ("EVERLOOP_SHUTDOWN_TIMEOUT", "0,5", "seconds"),
    ("EVERLOOP_SHUTDOWN_TIMEOUT", "0", "seconds"),
    ("EVERLOOP_SHUTDOWN_TIMEOUT", "1e10", "at most 1000000"),
    ("EVERLOOP_BASE_PATH", "https://example.com/api", "path"),
    ("EVERLOOP_BASE_PATH", "/api?x=1", "path"),
    ("EVERLOOP_TEXT_TYPES", "json", "media types"),
    ("EVERLOOP_TEXT_TYPES", "text/plain; charset=utf-8", "media types"),
    ("EVERLOOP_ERROR_STATUSES", "5xx", "statuses"),
    ("EVERLOOP_ERROR_STATUSES", "500-", "statuses"),
    ("EVERLOOP_ERROR_STATUSES", "504-500", "statuses"),
    ("EVERLOOP_ERROR_STATUSES", "99", "statuses"),
    ("EVERLOOP_ERROR_STATUSES", "600", "statuses"),
]


@pytest.mark.parametrize(("name", "value", "expected"), INVALID)
def test_a_wrong_value_is_refused_with_name_value_and_what_was_expected(name: str, value: str, expected: str) -> None:
    """It never falls back silently: the function would run with what nobody asked for."""
    message = faults({name: value})

    assert name in message
    assert value in message
    assert expected in message


@pytest.mark.parametrize(
    "address", ["127.0.0.1:9001", "169.254.100.1:9001", "lambda.internal", "[::1]:9001", "[::1]", "h:080"]
)
def test_a_runtime_api_is_a_host_and_perhaps_a_port(address: str) -> None:
    """Whatever Lambda and emulators set."""
    assert read({"AWS_LAMBDA_RUNTIME_API": address}).runtime_api == address


@pytest.mark.parametrize(
    "address", ["127.0.0.1:99999", "127.0.0.1:0", "127.0.0.1:port", "http://127.0.0.1:9001", "a b"]
)
def test_a_runtime_api_that_is_no_address_is_refused(address: str) -> None:
    """As any wrong value: with what was found and what was expected."""
    message = faults({"AWS_LAMBDA_RUNTIME_API": address})

    assert f"AWS_LAMBDA_RUNTIME_API={address!r}: expected a host and a port" in message


def test_all_faults_are_told_together() -> None:
    """One deployment shows them all."""
    environ = {name: value for name, value, _ in INVALID}

    with pytest.raises(InvalidSettings) as caught:
        Settings.from_environ(environ, [])

    message = str(caught.value)
    assert [name for name in environ if name not in message] == []
    assert "AWS_LAMBDA_RUNTIME_API" in message
    assert len(caught.value.faults) == len(environ) + 1


def test_wrong_settings_are_an_initialisation_error_of_their_own_type() -> None:
    """What Lambda is told."""
    assert issubclass(InvalidSettings, InitError)
    assert InvalidSettings.error_type == "Runtime.InvalidSettings"


@pytest.mark.parametrize("name", sorted({name for name, _, _ in INVALID}))
def test_a_setting_set_to_nothing_is_not_set(name: str) -> None:
    """Templates leave a setting out by giving it no value."""
    assert read({name: ""}) == read()


def test_the_argument_comes_before_the_variable() -> None:
    """A container's `CMD` is the handler; `_HANDLER` is the fallback."""
    assert read({}, "shop.web:api").handler == "shop.web:api"
    assert Settings.from_environ({"AWS_LAMBDA_RUNTIME_API": "a:1"}, ["main:app"]).handler == "main:app"


def test_no_handler_is_left_to_the_loader() -> None:
    """What is wrong with a handler string has an error type of its own."""
    assert Settings.from_environ({"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001"}, []).handler == ""


def test_no_runtime_api_is_a_fault_that_says_who_sets_it() -> None:
    """Somebody started `bootstrap` outside of Lambda."""
    with pytest.raises(InvalidSettings, match="AWS_LAMBDA_RUNTIME_API"):
        Settings.from_environ({"_HANDLER": "main:app"}, [])


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("EVERLOOP_LIFESPAM", "EVERLOOP_LIFESPAN"),
        ("EVERLOOP_RESPONSEMODE", "EVERLOOP_RESPONSE_MODE"),
        ("EVERLOOP_BASEPATH", "EVERLOOP_BASE_PATH"),
        ("EVERLOOP_TEXT_TYPE", "EVERLOOP_TEXT_TYPES"),
    ],
)
def test_an_unknown_name_is_a_warning_that_suggests_the_nearest(name: str, nearest: str) -> None:
    """A misspelt name is no error, for another version may know it."""
    [warning] = read({name: "x"}).unknown

    assert name in warning
    assert nearest in warning


def test_an_unknown_name_is_told_beside_what_is_wrong() -> None:
    """The process ends before there could be a warning."""
    message = faults({"EVERLOOP_LOOP": "quick", "EVERLOOP_LIFESPAM": "off"})

    assert "EVERLOOP_LOOP='quick'" in message
    assert "did you mean EVERLOOP_LIFESPAN?" in message


def test_a_name_like_no_other_is_a_warning_too() -> None:
    """Each unknown name has a warning of its own."""
    warnings = read({"EVERLOOP_QQQQQQQQ": "1", "EVERLOOP_ZZZZZZZZ": "1"}).unknown

    assert [("QQQQ" in warning, "ZZZZ" in warning) for warning in warnings] == [(True, False), (False, True)]


def test_other_peoples_variables_are_not_looked_at() -> None:
    """Only `EVERLOOP_…` names are ours to judge."""
    assert read({"EVERLOOPER": "1", "AWS_LWA_PORT": "x", "everloop_loop": "x"}) == read()


@pytest.mark.parametrize("value", ["Text", "xml", "json", "JSON"])
def test_lambdas_own_variables_never_fail(value: str) -> None:
    """AWS's client takes an odd format or level as none, and users cannot change what Lambda sets."""
    settings = read({"AWS_LAMBDA_LOG_FORMAT": value, "AWS_LAMBDA_LOG_LEVEL": "loud"})

    assert settings.log_format == ("json" if value.lower() == "json" else "text")
    assert settings.log_level is None


@given(
    st.dictionaries(
        st.sampled_from([name for name, _, _ in INVALID]) | st.text(max_size=5).map("EVERLOOP_".__add__),
        st.text(max_size=12),
        max_size=5,
    )
)
def test_any_environment_is_valid_or_refused(environ: dict[str, str]) -> None:
    """No value raises anything but `InvalidSettings`."""
    with contextlib.suppress(InvalidSettings):
        read(environ)


def test_workers_are_at_most_as_many_as_slots() -> None:
    """A worker without a slot would have nothing to do."""
    slots = {"AWS_LAMBDA_MAX_CONCURRENCY": "4"}
    assert read(slots | {"EVERLOOP_WORKERS": "4"}).workers == 4
    assert read(slots | {"EVERLOOP_WORKERS": "Auto"}).workers is None
    assert read({"EVERLOOP_WORKERS": "auto"}).workers is None
    assert "EVERLOOP_WORKERS='5': expected auto or at most 4" in faults(slots | {"EVERLOOP_WORKERS": "5"})

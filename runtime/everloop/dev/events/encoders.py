"""Which encoder makes the events of which source."""

from collections.abc import Callable
from typing import Any

from everloop.dev.events.alb import encode_alb, encode_alb_multi
from everloop.dev.events.function_url import encode_function_url
from everloop.dev.events.http_api import encode_http_api
from everloop.dev.events.http_api_1 import encode_http_api_1
from everloop.dev.events.lattice import encode_lattice, encode_lattice_1
from everloop.dev.events.request import Arrival, ClientRequest, FrontEnd
from everloop.dev.events.rest import encode_rest

Encoder = Callable[[ClientRequest, FrontEnd, Arrival], dict[str, Any]]

ENCODERS: dict[str, Encoder] = {
    "function-url": encode_function_url,
    "rest": encode_rest,
    "http-api": encode_http_api,
    "http-api-1.0": encode_http_api_1,
    "alb": encode_alb,
    "alb-multi": encode_alb_multi,
    "lattice": encode_lattice,
    "lattice-1": encode_lattice_1,
}

"""Which decoder reads the answers of which source."""

from collections.abc import Callable

from everloop.dev.gateway.answers.answer import Answer
from everloop.dev.gateway.answers.balancer import decode_alb, decode_alb_multi, decode_lattice
from everloop.dev.gateway.answers.payload1 import decode_http_api_1, decode_rest
from everloop.dev.gateway.answers.payload2 import decode_function_url, decode_http_api

DECODERS: dict[str, Callable[[bytes], Answer]] = {
    "function-url": decode_function_url,
    "rest": decode_rest,
    "http-api": decode_http_api,
    "http-api-1.0": decode_http_api_1,
    "alb": decode_alb,
    "alb-multi": decode_alb_multi,
    "lattice": decode_lattice,
    "lattice-1": decode_lattice,
}
"""Each raises `MalformedAnswer`."""

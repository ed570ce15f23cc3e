"""The front door for browsers: HTTP and WebSocket in, events out, answers back as AWS's front ends give them.

`Gateway(function, config, journal)` is a raw ASGI application for every `http` and `websocket` scope; mount it at
the root, below whatever paths the server keeps for itself. It also answers the `@connections` API at
`/{websocket_stage}/@connections/{id}`; `environment_for(base_url, config, environ)` gives the environment variables
that lead a function's `@connections` calls there, to be put into `FunctionConfig.environ`.
"""

from everloop.dev.gateway.app import Gateway
from everloop.dev.gateway.config import SOURCES, GatewayConfig
from everloop.dev.gateway.environment import environment_for

__all__ = ["SOURCES", "Gateway", "GatewayConfig", "environment_for"]

"""Clients of async plain handlers live on from call to call: one loop, one client, one connection."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from support.aws_server import CREDENTIALS
from support.environment import Launcher


class Server:
    """An HTTP server that counts its connections."""

    def __init__(self) -> None:
        self.connections = 0
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                owner.connections += 1
                super().setup()

            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", "5")
                self.end_headers()
                self.wfile.write(b"hello")

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.mark.parametrize(("handler", "mode"), [("with_httpx", "buffered"), ("streams_from_httpx", "streaming")])
def test_httpx_keeps_its_connection(
    launch: Launcher, server: Server, loop: dict[str, str], handler: str, mode: str
) -> None:
    """Made at import, used by every call."""
    env = launch(f"clients.{handler}", {"ENDPOINT": server.url, "EVERLOOP_RESPONSE_MODE": mode} | loop)
    for _ in range(4):
        assert env.invoke({}).wait().body in (b"hello", b'"hello"')
    assert server.connections == 1


def test_httpx_side_by_side(launch: Launcher, server: Server) -> None:
    """Many calls at a time share its pool."""
    env = launch("clients.with_httpx", {"ENDPOINT": server.url, "AWS_LAMBDA_MAX_CONCURRENCY": "8"})
    env.api.wait_for_poll(8)
    assert {exchange.response() for exchange in [env.invoke({}) for _ in range(40)]} == {"hello"}
    assert server.connections <= 8


def test_aiobotocore_keeps_its_client(launch: Launcher, loop: dict[str, str]) -> None:
    """Made in the first call, on the loop of all others; against moto's DynamoDB."""
    moto = pytest.importorskip("moto.server")
    pytest.importorskip("aiobotocore")
    server = moto.ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        where = {"ENDPOINT": f"http://{host}:{port}", "TABLE": loop["EVERLOOP_LOOP"]}
        env = launch("clients.with_aiobotocore", CREDENTIALS | where | loop)
        answers = [env.invoke({}, timeout=30).response(30) for _ in range(4)]
        assert answers == [{"n": number, "clients": 1} for number in range(1, 5)]
    finally:
        server.stop()

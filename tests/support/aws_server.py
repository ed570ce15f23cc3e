"""A server of the tests in AWS's place: checks the signature of every request, records it, answers as told."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

if TYPE_CHECKING:
    from types import TracebackType

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_TOKEN": "session-token",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_REGION": "eu-west-1",
    # No profile of the machine's may answer for these.
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""What Lambda puts into the environment, with keys out of AWS's documentation."""

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(\w+)/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request, "
    r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})"
)


@dataclass(frozen=True)
class AwsRequest:
    """One request as it came; `region` and `service` are out of its signature."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    region: str
    service: str


@dataclass
class AwsServer:
    """Answers everything 200 `{}`, unless a status is in `statuses`, one for each request, or `gone` is set."""

    requests: list[AwsRequest] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    gone: bool = False
    changed: threading.Condition = field(default_factory=threading.Condition)

    def __enter__(self) -> Self:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                status = owner.take(self.command, self.path, dict(self.headers.items()), body)
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_POST = do_DELETE = do_GET = answer  # noqa: N815 - the names that http.server calls

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
                """Nothing: the log of the tests is for the runtime."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def take(self, method: str, path: str, headers: dict[str, str], body: bytes) -> int:
        lower = {name.lower(): value for name, value in headers.items()}
        with self.changed:
            found = _AUTHORIZATION.fullmatch(lower.get("authorization", ""))
            if found is None:
                self.faults.append(f"{method} {path} is not signed: {headers}")
                return 403
            if not is_signature_right(found, method, f"{self.url}{path}", lower, body):
                self.faults.append(f"{method} {path} has a wrong signature")
            self.requests.append(AwsRequest(method, path, lower, body, found[3], found[4]))
            self.changed.notify_all()
            if self.statuses:
                return self.statuses.pop(0)
            return 410 if self.gone else 200

    def wait_for(self, count: int, timeout: float = 5.0) -> list[AwsRequest]:
        """Wait until so many requests have come."""
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.requests) >= count, timeout):
                raise TimeoutError(f"{len(self.requests)} of {count} requests came: {self.requests}")
            return list(self.requests)

    @property
    def told(self) -> list[tuple[str, str, bytes]]:
        """Method, path and body of every request."""
        return [(request.method, request.path, request.body) for request in self.requests]


def is_signature_right(found: re.Match[str], method: str, url: str, headers: dict[str, str], body: bytes) -> bool:
    """Sign what came again, with the same secret, as AWS does."""
    request = AWSRequest(method=method, url=url, data=body)
    for name in found[5].split(";"):
        request.headers[name] = headers[name]
    request.context["timestamp"] = headers["x-amz-date"]
    signer = SigV4Auth(
        Credentials(CREDENTIALS["AWS_ACCESS_KEY_ID"], CREDENTIALS["AWS_SECRET_ACCESS_KEY"]), found[4], found[3]
    )
    signer.credentials = signer.credentials.get_frozen_credentials()
    signed = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    return bool(signed == found[6])

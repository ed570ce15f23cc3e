"""What a front end knows when it makes an event: the request, itself, and the moment."""

import os
import time
from base64 import b64encode
from dataclasses import dataclass, field
from uuid import UUID

URL_ID = "everloopdev234567everloopdev2345"
API_ID = "everloopdv"

Headers = list[tuple[str, str]]
"""Names as the client wrote them, or in lower case where it is not known; values decoded as latin-1; in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRequest:
    """One HTTP request as it stood on the wire."""

    method: str = "GET"
    path: str = "/"
    """Percent-encoded, as in the request line; without the query."""
    query: str = ""
    """As in the request line, without the question mark."""
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    ip: str = "127.0.0.1"
    """The client's address."""
    scheme: str = "http"
    port: int = 80
    """The port that the client called."""

    def header(self, name: str) -> str | None:
        """Give the last value of a header by its lower-case name."""
        for key, value in reversed(self.headers):
            if key.lower() == name:
                return value
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontEnd:
    """The front end as its owner set it up."""

    region: str = "us-east-1"
    account: str = "123456789012"
    stage: str | None = None
    """The stage that the URL begins with; None where it begins with none."""
    base_path: str = ""
    """A custom domain's mapping: `/shop`, or nothing."""

    @property
    def url_domain(self) -> str:
        """The domain of the function's URL."""
        return f"{URL_ID}.lambda-url.{self.region}.on.aws"

    @property
    def api_domain(self) -> str:
        """The domain of the API."""
        return f"{API_ID}.execute-api.{self.region}.amazonaws.com"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Arrival:
    """When a request came, and the ids that it was given."""

    seconds: float
    """Seconds since the epoch."""
    request_id: str
    """A UUID: Lambda's, a Function URL's and a REST API's form of a request id."""
    extended_id: str
    """API Gateway's other form: `JKJaXmPLIAMEJkA=`."""
    root: str
    """X-Ray's: `1-65a1b2c3-0123456789abcdef01234567`."""

    @classmethod
    def now(cls) -> "Arrival":
        """Make up new ids."""
        noise = os.urandom(39)
        seconds = time.time()
        return cls(
            seconds,
            str(UUID(bytes=noise[:16], version=4)),
            short_id(noise[16:27]),
            f"1-{int(seconds):08x}-{noise[27:39].hex()}",
        )

    @property
    def milliseconds(self) -> int:
        """Milliseconds since the epoch."""
        return int(self.seconds * 1000)

    @property
    def clf(self) -> str:
        """The time as in an access log: `12/Jan/2026:21:44:19 +0000`; month names whatever the locale."""
        at = time.gmtime(self.seconds)
        return (
            f"{at.tm_mday:02d}/{_MONTHS[at.tm_mon - 1]}/{at.tm_year}"
            f":{at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d} +0000"
        )


def short_id(noise: bytes) -> str:
    """Give an id as API Gateway makes them, of 11 bytes: fifteen characters and an equals sign."""
    return b64encode(noise, b"-_").decode("ascii")

"""The metadata service, which tells a function where it runs.

Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-metadata-endpoint.html
"""

import json
import re
import secrets

from everloop.dev.config import FunctionConfig
from everloop.dev.http_answers import encode_answer
from everloop.dev.http_server import Exchange

PATH = b"/2026-01-15/metadata/execution-environment"


class MetadataApi:
    """Answers who knows the token."""

    def __init__(self, config: FunctionConfig) -> None:
        self.token = secrets.token_urlsafe(24)
        self._body = json.dumps({"AvailabilityZoneID": availability_zone(config.region)}).encode()

    def owns(self, path: bytes) -> bool:
        """Tell whether a path is of this API."""
        return path == PATH

    def answer(self, exchange: Exchange, *, restored: bool) -> None:
        """Answer a request. Before a restore the answer is not for keeping: the snapshot may wake up elsewhere."""
        if exchange.method != b"GET":
            exchange.answer(encode_answer(405, b"", [(b"Allow", b"GET")]))
        elif exchange.headers.get(b"authorization") != f"Bearer {self.token}".encode():
            exchange.answer(encode_answer(401, b""))
        else:
            age = b"private, max-age=43200, immutable" if restored else b"private, max-age=1"
            exchange.answer(encode_answer(200, self._body, [(b"Cache-Control", age)]))


def availability_zone(region: str) -> str:
    """Give the id of a region's first zone: `use1-az1` for `us-east-1`, `apse2-az1` for `ap-southeast-2`."""
    area, *directions = region.split("-")
    initials = [re.sub("(north|south)(.).*", lambda found: found[1][0] + found[2], part) for part in directions]
    return f"{area}{''.join(part if len(part) < 3 else part[0] for part in initials)}-az1"

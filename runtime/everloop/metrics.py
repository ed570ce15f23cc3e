"""EVERLOOP_METRICS=emf: a record per invocation that CloudWatch turns into metrics.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from everloop.api.measured_reply import MeasuredReply, Measures
from everloop.api.reply import Reply
from everloop.logs import write_line
from everloop.settings import Settings

UNITS = {
    "Duration": "Milliseconds",
    "FirstByte": "Milliseconds",
    "ResponseBytes": "Bytes",
    "ColdStart": "Count",
    "Errors": "Count",
}


def measured_replies(settings: Settings) -> Callable[..., Reply]:
    """Give what makes replies that measure themselves and have what came out written down."""
    metrics = EmbeddedMetrics(settings.metrics_namespace, settings.function_name, write_line)
    return partial(MeasuredReply, on_measured=metrics.record)


class EmbeddedMetrics:
    """Writes what was measured of each invocation as one line of JSON."""

    def __init__(self, namespace: str, function_name: str | None, write: Callable[[str], None]) -> None:
        """`write` takes a line without its end."""
        self._namespace = namespace
        self._function_name = function_name
        self._write = write
        self._cold = 1

    def record(self, measures: Measures) -> None:
        """Write the record of one invocation."""
        values: dict[str, Any] = {
            "Duration": round(measures.duration * 1000, 3),
            "ResponseBytes": measures.size,
            "ColdStart": self._cold,
            "Errors": int(measures.failed),
        }
        if measures.first_byte is not None:
            values["FirstByte"] = round(measures.first_byte * 1000, 3)
        self._cold = 0
        dimensions = {} if self._function_name is None else {"FunctionName": self._function_name}
        invocation = measures.invocation
        document: dict[str, Any] = {
            "_aws": {
                "Timestamp": int(time.time() * 1000),
                "CloudWatchMetrics": [
                    {
                        "Namespace": self._namespace,
                        "Dimensions": [list(dimensions)],
                        "Metrics": [{"Name": name, "Unit": unit} for name, unit in UNITS.items() if name in values],
                    }
                ],
            },
            **dimensions,
            **values,
            "requestId": invocation.request_id,
        }
        if invocation.trace_id is not None:
            document["traceId"] = invocation.trace_id
        self._write(json.dumps(document))

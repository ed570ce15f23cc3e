"""_X_AMZN_TRACE_ID, where AWS's X-Ray SDK looks for the trace of the running invocation."""

from collections.abc import MutableMapping


class TraceVariable:
    """Keeps the variable up to date in an environment that serves one invocation at a time."""

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        self._environ = environ
        self._trace_id = environ.get("_X_AMZN_TRACE_ID")

    def export(self, trace_id: str | None) -> None:
        """Set the variable, or remove it where an invocation brings none. Setting it costs more than looking here."""
        if trace_id == self._trace_id:
            return
        self._trace_id = trace_id
        if trace_id is None:
            self._environ.pop("_X_AMZN_TRACE_ID", None)
        else:
            self._environ["_X_AMZN_TRACE_ID"] = trace_id

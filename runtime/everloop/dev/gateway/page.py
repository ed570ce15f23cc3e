"""The page that a developer's browser shows in place of AWS's few words when an invocation failed."""

from html import escape
from http import HTTPStatus

from everloop.dev.gateway.answers.answer import Answer
from everloop.dev.gateway.problems import Problem
from everloop.dev.journal import Record

_LINES = 100
"""Lines of the log that the page shows."""


_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 3rem auto; padding: 0 1.5rem;
  background: light-dark(#fff, #16181d); color: light-dark(#1c1e21, #e4e6eb); }
h1 { font-size: 1.5rem; margin: 0 0 .5rem; color: light-dark(#b3261e, #ff8a80); overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 2rem 0 .5rem; }
.message { font-size: 1.125rem; white-space: pre-wrap; overflow-wrap: anywhere; }
pre { font: 13px/1.5 ui-monospace, monospace; background: light-dark(#f4f5f7, #22252b); padding: 1rem;
  border-radius: 6px; overflow-x: auto; }
.small { color: light-dark(#5f6368, #9aa0a6); font-size: .875rem; }
a { color: light-dark(#0b57d0, #8ab4f8); }
"""


def error_page(aws: Answer, problem: Problem, record: Record | None, inspector: str | None) -> Answer:
    """Give the page, with the status that AWS would answer."""
    what = f"{aws.status} {HTTPStatus(aws.status).phrase}"
    parts = [f'<h1>{escape(problem.kind)}</h1><p class="message">{escape(problem.message)}</p>']
    if problem.trace.strip():
        parts.append(f"<h2>Traceback</h2><pre>{escape(problem.trace)}</pre>")
    if record is not None and record.logs:
        lines = "\n".join(line.text for line in record.logs[-_LINES:])
        parts.append(f"<h2>Log</h2><pre>{escape(lines)}</pre>")
    seen = aws.body.decode("utf-8", "replace")
    parts.append(f"<h2>On AWS the client would see {escape(what)} and this</h2><pre>{escape(seen)}</pre>")
    identity = f"Request id {escape(record.request_id)}. " if record is not None else ""
    link = f'<a href="{escape(inspector)}">All invocations</a>.' if inspector else ""
    parts.append(f'<p class="small">{identity}{link}</p>')
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(problem.kind)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body>{''.join(parts)}</body></html>"
    )
    return Answer(aws.status, [(b"content-type", b"text/html; charset=utf-8")], page.encode())

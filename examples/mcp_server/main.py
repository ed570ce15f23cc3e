"""An MCP server over streamable HTTP: its session manager runs once, in the lifespan, for the life of the process.

Stateless, because the next request may meet another execution environment: sessions in memory would not be found there.
Streamed (EVERLOOP_RESPONSE_MODE=streaming), a tool's progress reaches the agent while the tool still works.
"""

import asyncio

from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("everloop example")


@server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
async def count(to: int, context: Context) -> str:
    """Count slowly, and report each number as progress."""
    for number in range(1, to + 1):
        await asyncio.sleep(0.1)
        await context.report_progress(number, to)
    return f"counted to {to}"


# The host is the function URL's, which is not known here; Lambda lets nobody else through.
app = server.streamable_http_app(stateless_http=True, host="0.0.0.0")  # noqa: S104 - a name to compare with, no address to listen on

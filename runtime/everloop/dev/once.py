"""`everloop invoke` as a whole: one environment, one invocation, its answer."""

import asyncio
import sys

import uvloop

from everloop.dev.calls import Call, CallFailed
from everloop.dev.config import FunctionConfig
from everloop.dev.console import Console
from everloop.dev.console.problems import why_it_did_not_start, why_it_failed
from everloop.dev.function import Function
from everloop.dev.journal import Journal
from everloop.dev.stop_signals import stop_signals

INTERRUPTED = 130
"""The exit code of a program that SIGINT has ended, by the shells' convention."""


def invoke_once(config: FunctionConfig, payload: bytes) -> int:
    """Invoke the function; give the exit code: 0 for an answer, 1 for a failed invocation."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_invoke(config, payload))


async def _invoke(config: FunctionConfig, payload: bytes) -> int:
    loop = asyncio.get_running_loop()
    console = Console.on_errors()
    journal = Journal()
    console.follow(journal)
    function = Function(config, journal, console.logged)
    answered = loop.create_task(_answer(function, Call(payload=payload, streaming=config.streaming), console))
    for number in stop_signals():
        loop.add_signal_handler(number, answered.cancel)
    try:
        return await answered
    except asyncio.CancelledError:
        return INTERRUPTED
    finally:
        await function.close()


async def _answer(function: Function, call: Call, console: Console) -> int:
    """Write the answer to standard output as it comes, and wait for the end of the invocation."""
    await function.start()
    failure = await function.ready()
    if failure is not None:
        _write(failure.payload + b"\n")
        console.problem(why_it_did_not_start(function.config.handler, failure))
        return 1
    execution = await function.call(call)
    try:
        async for piece in execution.body():
            _write(piece)
            execution.record.went(len(piece))
        status = 0
    except CallFailed as failed:
        failure, status = failed, 1
        if not call.streaming or not execution.record.delivered:
            _write(failed.payload)  # as Lambda returns it, beside X-Amz-Function-Error
    _write(b"\n" if sys.stdout.isatty() or not call.streaming else b"")
    await execution.finished()  # work after the response is part of the invocation
    if failure is not None:
        console.problem(why_it_failed(failure))
    return status


def _write(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()

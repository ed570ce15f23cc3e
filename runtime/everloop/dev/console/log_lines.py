"""A line that the runtime wrote, as a person reads it."""

import re
from pathlib import Path

import everloop
from everloop.dev.console.style import Style

NOT_OWN = ("site-packages", "/lib/python", "<frozen ", f"{Path(everloop.__file__).parent}/")
"""Marks of frames that are not the user's."""

NO_BREAK_SPACE = "\u00a0"

_RECORD = re.compile(r"\[(?P<level>[A-Z]+)\]\t(?P<rest>.*)", re.DOTALL)
_LEVELS = {"DEBUG": "dim", "INFO": "blue", "WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}
_FRAME = re.compile(r'(?P<indent>\s+)File "(?P<file>[^"]+)", line (?P<line>\d+)(?P<rest>.*)')
_EXCEPTION = re.compile(r"[\w.]+(Error|Exception|Warning|Exit|Interrupt|Group|Failed|Found)\b.*")
_TRACEBACK = "Traceback (most recent call last)"


def readable(text: str, style: Style) -> str:
    """Give a line of the runtime's for a terminal.

    What Lambda wants as one event is one line: carriage returns stand for its line ends, and no-break spaces for the
    indentation that CloudWatch would eat. Here both become again what they were.
    """
    lines = text.replace("\r" + NO_BREAK_SPACE, "\r ").split("\r")
    if not style.enabled:
        return "\n".join(lines)
    found = _RECORD.fullmatch(lines[0])
    if found is not None:
        lines[0] = f"{style('[' + found['level'] + ']', _LEVELS.get(found['level'], 'bold'))}\t{found['rest']}"
    if any(_TRACEBACK in line for line in lines) or _FRAME.fullmatch(lines[0]):
        lines = [_of_traceback(line, style) for line in lines]
    return "\n".join(lines)


def _of_traceback(line: str, style: Style) -> str:
    frame = _FRAME.fullmatch(line)
    if frame is not None:
        # The user's own frames are what one looks for.
        own = not any(mark in frame["file"] for mark in NOT_OWN)
        place = style(f'File "{frame["file"]}", line {frame["line"]}', *(("bold", "cyan") if own else ("dim",)))
        return f"{frame['indent']}{place}{frame['rest']}"
    if _EXCEPTION.match(line):
        return style(line, "bold", "red")
    return line

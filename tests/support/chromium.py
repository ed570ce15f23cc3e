"""Headless Chromium, driven by its DevTools protocol: what a user's browser would show and do.

Protocol: https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

REQUIRED = "TEST_EVERLOOP_CHROMIUM"
"""Set in CI: there a missing browser is a failure, not a reason to skip."""

FLAGS = (
    "--no-sandbox",  # the tests may run as root, and visit only what they have started themselves
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)

PATIENCE = 30.0
"""Seconds to wait for what should take a tenth of one."""

KEY_CODES = {"Enter": 13, "Escape": 27, "ArrowUp": 38, "ArrowDown": 40}
"""What the browser's own controls go by."""


class PageError(AssertionError):
    """The page raised an exception, or did not come to what was waited for."""


class Chromium:
    """One browser, with an empty profile that is gone afterwards."""

    def __init__(self) -> None:
        assert PROGRAM is not None, "chromium is not installed: apt-get install chromium"
        self._profile = tempfile.TemporaryDirectory(prefix="everloop-chromium-", ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            [PROGRAM, *FLAGS, f"--user-data-dir={self._profile.name}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "HOME": self._profile.name, "DBUS_SESSION_BUS_ADDRESS": "disabled:"},
        )
        self._stack = ExitStack()
        self._stack.callback(self._end)
        try:
            # No pings: a thread would draw their numbers, and Hypothesis takes that for the doing of its own test.
            self._connection = self._stack.enter_context(
                connect(self._address(), max_size=None, compression=None, ping_interval=None)
            )
        except BaseException:
            self.close()
            raise
        self._numbers = itertools.count(1)
        self._events: list[dict[str, Any]] = []

    def _address(self) -> str:
        """Wait until the browser has written where it listens."""
        file = Path(self._profile.name, "DevToolsActivePort")
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise PageError(f"chromium ended with status {self._process.returncode}")
            lines = file.read_text(encoding="ascii").splitlines() if file.exists() else []
            if len(lines) == 2:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            time.sleep(0.02)
        raise PageError("chromium does not say where it listens")

    def page(self) -> Page:
        """Open a page."""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        return Page(self, target, session)

    def call(self, method: str, params: dict[str, Any] | None = None, session: str | None = None) -> dict[str, Any]:
        """Call a method of the protocol and give its result."""
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": params or {}}
        if session is not None:
            message["sessionId"] = session
        self._connection.send(json.dumps(message))
        while True:
            answer = json.loads(self._connection.recv(timeout=PATIENCE))
            if answer.get("id") == number:
                if "error" in answer:
                    raise PageError(f"{method}: {answer['error']['message']}")
                result: dict[str, Any] = answer["result"]
                return result
            self._events.append(answer)

    def take_events(self, session: str, method: str) -> list[dict[str, Any]]:
        """Give the events of a kind that have come, once."""
        wanted = [one for one in self._events if one.get("sessionId") == session and one.get("method") == method]
        self._events = [one for one in self._events if one not in wanted]
        return [one["params"] for one in wanted]

    def close(self) -> None:
        """End the browser and everything of it."""
        self._stack.close()

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._profile.cleanup()


class Page:
    """One page. An exception in it fails the test when the page is closed."""

    def __init__(self, browser: Chromium, target: str, session: str) -> None:
        self._browser = browser
        self._target = target
        self._session = session
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol on this page."""
        return self._browser.call(method, params, self._session)

    def open(self, url: str) -> None:
        """Go to an address; does not wait for its scripts."""
        answer = self.call("Page.navigate", url=url)
        if "errorText" in answer:
            raise PageError(f"{url}: {answer['errorText']}")
        self.wait_for("document.readyState !== 'loading'")

    def evaluate(self, expression: str) -> Any:
        """Give the value of an expression, or what its promise is fulfilled with."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise PageError(f"{expression}: {details.get('exception', {}).get('description') or details['text']}")
        return answer["result"].get("value")

    def wait_for(self, expression: str, timeout: float = PATIENCE) -> None:
        """Wait until an expression is true, as JavaScript means it."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.evaluate(f"!!({expression})"):
                return
            time.sleep(0.03)
        raise PageError(f"never true: {expression}\nThe page shows:\n{self.text()[:3000]}")

    def text(self, selector: str = "body") -> str:
        """Give the text that an element shows, empty where there is none."""
        return str(self.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''"))

    def press(self, key: str, modifiers: int = 0) -> None:
        """Press a key; modifiers as the protocol has them (Ctrl is 2)."""
        what: dict[str, Any] = {"key": key, "modifiers": modifiers, "windowsVirtualKeyCode": KEY_CODES.get(key, 0)}
        text = {"text": "\r"} if key == "Enter" else {"text": key} if len(key) == 1 and not modifiers else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **what, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **what)

    def look(self, scheme: str, width: int = 1280, height: int = 860) -> None:
        """Set the size of the window, and whether the screen is `light` or `dark`."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def screenshot(self, path: Path) -> None:
        """Write a picture of the page as PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def errors(self) -> list[str]:
        """Give the exceptions of the page's scripts and what its console calls an error; an icon may be missing."""
        raised = self._browser.take_events(self._session, "Runtime.exceptionThrown")
        logged = [one["entry"] for one in self._browser.take_events(self._session, "Log.entryAdded")]
        return [
            *(str(one["exceptionDetails"]) for one in raised),
            *(str(one) for one in logged if one["level"] == "error" and not one.get("url", "").endswith("favicon.ico")),
        ]

    def close(self) -> None:
        """Close the page."""
        self._browser.call("Target.closeTarget", {"targetId": self._target})

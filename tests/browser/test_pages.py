"""What a user's pages do through the gateway, in a real browser: events, downloads, WebSockets, errors."""

import hashlib
import json

from support.chromium import Page
from support.dev_server import PATIENCE, DevServer, DevServers
from support.gates import Gates

MEBIBYTE = 1024 * 1024

ITEMS = "document.querySelectorAll('li').length"


def test_an_event_source_receives_its_events_one_by_one(page: Page, server: DevServer, gates: Gates) -> None:
    """The next one is not sent before the page has shown the one before it."""
    page.open(f"{server.origin}/events-page")

    for number in (1, 2, 3):
        if number > 1:
            gates.open(f"event {number}")
        page.wait_for(f"{ITEMS} === {number}")

    page.wait_for("document.title === 'ended'")
    assert page.text("ul").split() == ["1", "2", "3"]


def test_a_download_of_100_megabytes_arrives_whole(page: Page, server: DevServer) -> None:
    """The page's own checksum is the one of what was sent."""
    expected = hashlib.sha256()
    for number in range(100):
        expected.update(hashlib.sha256(b"%d" % number).digest() * (MEBIBYTE // 32))  # as the application makes them
    page.open(f"{server.origin}/echo")

    found = page.evaluate(
        """(async () => {
            const content = await (await fetch("/download/100")).arrayBuffer();
            const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
            return [content.byteLength, Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")];
        })()"""
    )

    assert found == [100 * MEBIBYTE, expected.hexdigest()]


def test_a_websocket_echoes(page: Page, server: DevServer) -> None:
    """Handshake with its query, messages both ways, the end."""
    page.open(f"{server.origin}/socket-page")
    page.wait_for("document.title === 'open'")

    for number, text in enumerate(("hello", "wörld ☃"), 1):
        page.evaluate(f"socket.send({json.dumps(text)})")
        page.wait_for(f"{ITEMS} === {number}")
    assert page.text("ul").splitlines() == ["7: hello", "7: wörld ☃"]

    page.evaluate("socket.close(1000)")
    page.wait_for("document.title === 'closed 1000'")
    server.process.wait_for_log("disconnected 1000", PATIENCE)


def test_a_form_post_arrives(page: Page, server: DevServer) -> None:
    """Body and query, byte for byte."""
    page.open(f"{server.origin}/echo?a=1")

    answer = page.evaluate("fetch('/echo?b=%20%2F', {method: 'POST', body: 'ünïcode'}).then((it) => it.json())")

    assert answer == {"query": "b=%20%2F", "body": "ünïcode"}


def test_a_broken_application_shows_its_error(page: Page) -> None:
    """The page says what is wrong, and leads to the inspector."""
    servers = DevServers()
    try:
        server = servers("nowhere:app", ready=False)
        page.open(f"{server.origin}/")
        page.wait_for("document.body.innerText.includes('Runtime.ImportModuleError')")
        page.evaluate("document.querySelector('a[href*=_everloop]').click()")
        page.wait_for("document.title.includes('inspector')")
        page.wait_for("document.querySelector('#problem').innerText.includes('nowhere')")
    finally:
        servers.close()
    page.errors()  # the 502 and the lost stream are what this test is about

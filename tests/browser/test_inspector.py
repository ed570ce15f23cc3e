"""The inspector page in a real browser: the list, the chart, sending again, keys, light and dark."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.chromium import Page
from support.dev_server import DevServer, DevServers
from support.gates import Gates

CTRL = 2
ROWS = "document.querySelectorAll('#invocations li').length"
DOTS = "document.querySelectorAll('#chart .produced-chunk').length"


def label(text: str) -> str:
    return f"document.querySelector('#label').innerText === {json.dumps(text)}"


def last_number(server: DevServer) -> int:
    """Give the number of the newest invocation."""
    with server.client.stream("GET", "/_everloop/api/stream") as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                known = json.loads(line.removeprefix("data: "))
                return int(known[-1]["number"]) if known else 0
    raise AssertionError("the stream ended without a snapshot")


@pytest.fixture
def gated(tmp_path: Path) -> Iterator[tuple[DevServer, Gates]]:
    """A server whose stream goes on as its gates open, and those. Asked for before the page, it outlives that."""
    gates = Gates(tmp_path)
    servers = DevServers()
    try:
        yield servers("streaming:gated", "--mode", "streaming", env=gates.env), gates
    finally:
        servers.close()


def open_inspector(page: Page, server: DevServer) -> None:
    """Open the inspector and wait for its stream."""
    page.open(server.inspector)
    page.wait_for("document.querySelector('#connection').dataset.state === 'live'")


def test_an_invocation_is_shown_as_it_happens(gated: tuple[DevServer, Gates], page: Page) -> None:
    """List, chart and body grow with each chunk, while the response still runs."""
    server, gates = gated
    open_inspector(page, server)
    assert page.evaluate(ROWS) == 0
    assert "No invocation yet" in page.text("#nothing")
    gates.open("first")

    with server.client.stream("GET", "/path?a=b") as response:
        page.wait_for(label("GET /path?a=b"))
        page.wait_for(f"{DOTS} === 1")
        page.wait_for("document.querySelector('#badges').innerText.includes('responding')")
        page.wait_for("document.querySelector('#panel-response').innerText.endsWith('one')")
        gates.open("second")
        page.wait_for(f"{DOTS} === 2")
        page.wait_for("document.querySelector('#panel-response').innerText.endsWith('onetwo')")
        gates.open("end")
        assert response.read() == b"onetwo"

    page.wait_for("!document.querySelector('#badges').innerText.includes('responding')")
    page.wait_for("document.querySelectorAll('#chart .delivered-chunk').length === 2")
    assert page.text("#status") == "200"
    page.evaluate("document.querySelector('#tab-logs').click()")
    assert "start sent" in page.text("#panel-logs")
    page.evaluate("document.querySelector('#tab-event').click()")
    assert '"rawPath": "/path"' in page.text("#panel-event")
    page.evaluate("document.querySelector('#tab-scope').click()")
    assert """"query_string": "b'a=b'\"""" in page.text("#panel-scope")
    page.evaluate("document.querySelector('#tab-chunks').click()")
    assert page.evaluate("document.querySelectorAll('#panel-chunks tbody tr').length") == 2
    server.interrupt()
    page.wait_for("document.querySelector('#connection').dataset.state === 'lost'")
    page.errors()  # the stream that was lost is an error of the console


HOLD_DETAILS = """
const real = window.fetch;
const held = new Promise((release) => { window.release = release; });
window.asked = 0;
window.fetch = async (path, ...rest) => {
  const answer = await real(path, ...rest);
  if (String(path).startsWith('api/invocations/')) { window.asked += 1; await held; }
  return answer;
};
"""


def test_what_changes_while_it_is_fetched_is_shown(gated: tuple[DevServer, Gates], page: Page) -> None:
    """An answer that was overtaken by the end of its invocation is not the last word."""
    server, gates = gated
    open_inspector(page, server)
    page.evaluate(HOLD_DETAILS)
    gates.open("first")

    with server.client.stream("GET", "/") as response:
        page.wait_for("window.asked === 1")
        gates.open("second")
        gates.open("end")
        assert response.read() == b"onetwo"
    page.wait_for("document.querySelector('#invocations li .took').innerText.endsWith('s')")
    page.evaluate("window.release()")

    page.wait_for("document.querySelector('#panel-response').innerText.endsWith('onetwo')")
    page.wait_for("!document.querySelector('#badges').innerText.includes('responding')")


def test_sending_again(page: Page, server: DevServer) -> None:
    """By the button: the same event, byte for byte, as a new invocation."""
    server.client.post("/echo?n=again", content="some body")
    first = last_number(server)
    page.open(f"{server.inspector}#{first}")
    page.wait_for(label("POST /echo?n=again"))

    page.evaluate("document.querySelector('#again').click()")

    page.wait_for(f"location.hash === '#{first + 1}'")
    page.wait_for("document.querySelector('#badges').innerText.includes('inspector')")
    page.wait_for("document.querySelector('#panel-response').innerText.includes('some body')")
    events = [server.get(f"/_everloop/api/invocations/{number}").json()["event"] for number in (first, first + 1)]
    assert events[0] == events[1]


def test_editing_and_sending(page: Page, server: DevServer) -> None:
    """By the keys alone; what is no JSON is told and not sent."""
    server.client.post("/echo?n=before", content="before")
    first = last_number(server)
    page.open(f"{server.inspector}#{first}")
    page.wait_for(label("POST /echo?n=before"))

    page.press("e")
    page.wait_for("document.activeElement.id === 'event'")
    page.evaluate("{ const it = document.querySelector('#event'); it.value = it.value.replaceAll('before', 'after') }")
    page.evaluate("document.querySelector('#event').value += ','")
    page.press("Enter", CTRL)
    page.wait_for("document.querySelector('#wrong').innerText.startsWith('This is not JSON')")
    assert last_number(server) == first

    page.evaluate("{ const it = document.querySelector('#event'); it.value = it.value.slice(0, -1) }")
    page.press("Enter", CTRL)
    page.wait_for(label("POST /echo?n=after"))
    page.wait_for("document.querySelector('#panel-response').innerText.includes('\"query\": \"n=after\"')")
    assert page.evaluate("document.querySelector('#sender').open") is False


def test_large_numbers_stay_as_they_are(page: Page) -> None:
    """JavaScript would round them: neither what is shown nor what is sent is touched."""
    servers = DevServers()
    try:
        server = servers("plain.echo")
        number = "12345678901234567890"
        server.client.post("/2015-03-31/functions/function/invocations", content=f'{{"number": {number}}}')
        page.open(server.inspector)
        page.wait_for(f"document.querySelector('#panel-event').textContent.includes('{number}')")
        page.wait_for(f"document.querySelector('#panel-response').textContent.includes('{number}')")
        page.press("e")
        page.wait_for(f"document.querySelector('#event').value.includes('{number}')")
        page.press("Enter", CTRL)
        page.wait_for("document.querySelector('#badges').innerText.includes('inspector')")
        assert server.get("/_everloop/api/invocations/2").json()["event"] == {"number": int(number)}
    finally:
        servers.close()
    page.errors()


def test_a_sample_event_is_sent(page: Page, server: DevServer) -> None:
    """A new event begins with a sample, which can be another one."""
    page.open(server.inspector)
    page.wait_for("document.querySelector('#connection').dataset.state === 'live'")

    page.press("n")
    page.wait_for("document.querySelector('#event').value.includes('rawPath')")
    page.evaluate(
        "{ const it = document.querySelector('#sample'); it.value = 'sqs'; it.dispatchEvent(new Event('change')) }"
    )
    page.wait_for("document.querySelector('#event').value.includes('aws:sqs')")
    page.press("Escape")
    page.wait_for("!document.querySelector('#sender').open")
    page.press("n")
    page.wait_for("document.querySelector('#sender').open")
    page.evaluate("document.querySelector('#sender .primary').click()")
    page.wait_for(label("sqs"))
    page.evaluate("document.querySelector('#tab-scope').click()")
    page.wait_for("document.querySelector('#panel-scope').innerText.includes('no HTTP source')")


def test_choosing_by_keys_and_filtering(page: Page, server: DevServer) -> None:
    """Arrows move through what the filter lets pass."""
    for path in ("/echo?n=apple", "/echo?n=pear", "/missing?n=apple"):
        server.get(path)
    page.open(server.inspector)
    page.wait_for(label("GET /missing?n=apple"))

    page.press("/")
    page.evaluate("{ const it = document.activeElement; it.value = 'apple 200'; it.dispatchEvent(new Event('input')) }")
    page.press("Escape")
    page.press("ArrowDown")
    page.wait_for(label("GET /echo?n=apple"))
    assert page.evaluate("[...document.querySelectorAll('#invocations li')].filter((it) => !it.hidden).length") == 1
    assert page.evaluate("document.querySelector('[aria-selected=true][role=option]').innerText").startswith("200")


def test_a_failure_is_told(page: Page) -> None:
    """Type, message, traceback and the log."""
    servers = DevServers()
    try:
        server = servers("plain.fail")
        assert server.get("/").status_code == 502
        page.open(server.inspector)
        page.wait_for(label("GET /"))
        page.wait_for("document.querySelector('#problem').innerText === 'Function.ValueError: broken on purpose'")
        assert "in fail" in page.text("#panel-response")
        page.evaluate("document.querySelector('#tab-logs').click()")
        assert "ValueError" in page.text("#panel-logs")
    finally:
        servers.close()
    page.errors()


def test_markup_of_an_application_is_text(page: Page, server: DevServer) -> None:
    """A response that is a page, and a path with markup in it, run nothing here."""
    server.client.post("/echo?<img src=x onerror=alert(1)>", content="<script>document.title='run'</script>")
    page.open(server.inspector)
    page.wait_for("document.querySelector('#panel-response').innerText.includes('<script>')")

    assert page.evaluate("document.querySelectorAll('main img, main script').length") == 0
    assert page.evaluate("document.title").endswith("inspector")


def test_light_and_dark(page: Page, server: DevServer, pictures: Path) -> None:
    """Both are readable: the text differs enough from what is behind it (WCAG 2.2, 1.4.3: 4.5 to 1)."""
    server.get("/download/3")
    server.client.post("/echo?name=Lambda", content="hello")
    for scheme in ("light", "dark"):
        page.look(scheme)
        page.open(server.inspector)
        page.wait_for(label("POST /echo?name=Lambda"))
        page.wait_for("document.querySelector('#chart svg')")
        for selector in (
            "body",
            ".bar .facts span",
            "#label",
            "#invocations .more",
            ".times dt",
            ".primary",
            "pre .key",
        ):
            assert page.evaluate(CONTRAST % json.dumps(selector)) >= 4.5, (scheme, selector)
        picture = pictures / f"inspector-{scheme}.png"
        page.screenshot(picture)
        assert picture.stat().st_size > 10_000


READ = ("body", ".bar .facts span", "#label", "#invocations .more", ".times dt", ".primary", ".tabs button", "pre .key")

CONTRAST = """((selector) => {
    const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const lightness = (colour) => {
        const [r, g, b] = channels(colour).map((it) => it / 255)
            .map((it) => it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const element = document.querySelector(selector);
    let behind = element;
    while (behind && [0, undefined].includes(channels(getComputedStyle(behind).backgroundColor).at(3) ?? 1)) {
        behind = behind.parentElement;
    }
    const [one, other] = [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor]
        .map(lightness).sort((a, b) => b - a);
    return (one + 0.05) / (other + 0.05);
})(%s)"""

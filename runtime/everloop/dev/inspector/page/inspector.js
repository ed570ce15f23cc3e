// The list of invocations, kept up to date by server-sent events, and what the keys do.

import { choose, show } from "./detail.js";
import { bytes, clock, duration, element, outcome } from "./format.js";
import { compose, post, prepare } from "./send.js";

const KEPT = 500; // as many as the server keeps
const PAUSE = 250; // milliseconds between two looks at an invocation that goes on

const $ = (id) => document.getElementById(id);
const list = $("invocations");
const known = new Map(); // number -> invocation, oldest first
const items = new Map(); // number -> its element
let chosen = null; // the number of the one that is shown
let follow = true; // nothing was chosen by hand yet: show the newest
let current = null; // the one that is shown, whole
let due = null; // the next look at it, or the one that is under way
let stale = false; // it has changed since the last look began

function row(invocation) {
  const { text, tone } = outcome(invocation);
  const item = items.get(invocation.number) ?? element("li", { role: "option", id: `invocation-${invocation.number}`, "data-number": invocation.number });
  item.replaceChildren(
    element("span", { class: `status tone-${tone}` }, text),
    element("span", { class: "label", title: invocation.label }, invocation.label || invocation.source),
    element("span", { class: "took" }, invocation.duration === null ? invocation.state : duration(invocation.duration)),
    element("span", { class: "more" },
      element("span", {}, `${clock(invocation.received_at)} · ${invocation.source}${invocation.error_type ? ` · ${invocation.error_type}` : ""}`),
      element("span", {}, `${invocation.response_mode === "streaming" ? "≋ " : ""}${bytes(invocation.bytes)}`)));
  item.hidden = !matches(invocation);
  return item;
}

function matches(invocation) {
  const wanted = $("filter").value.trim().toLowerCase();
  const text = `#${invocation.number} ${invocation.label} ${outcome(invocation).text} ${invocation.source} ${invocation.state} ${invocation.error_type ?? ""}`.toLowerCase();
  // Ids by their beginning, and four characters of it: a status such as 200 stands somewhere in many of them.
  const isId = (word) => word.length > 3 && invocation.request_id.startsWith(word);
  return wanted.split(/\s+/).every((word) => text.includes(word) || isId(word));
}

function take(invocations) {
  for (const invocation of invocations) {
    known.set(invocation.number, invocation);
    const item = row(invocation);
    if (!items.has(invocation.number)) {
      items.set(invocation.number, item);
      list.prepend(item);
    }
  }
  for (const number of known.keys()) {
    if (known.size <= KEPT) break;
    known.delete(number);
    items.get(number).remove();
    items.delete(number);
  }
  tally();
  if (follow && known.size) select(Math.max(...known.keys()));
  if (invocations.some(({ number }) => number === chosen)) look();
}

function tally() {
  const visible = [...known.values()].filter(matches).length;
  $("count").textContent = visible === known.size ? String(known.size) : `${visible} of ${known.size}`;
  $("nothing").hidden = known.size > 0;
}

function select(number) {
  if (number === chosen) return;
  items.get(chosen)?.setAttribute("aria-selected", "false");
  chosen = number;
  current = null;
  const item = items.get(number);
  item?.setAttribute("aria-selected", "true");
  item?.scrollIntoView({ block: "nearest" });
  list.setAttribute("aria-activedescendant", `invocation-${number}`);
  history.replaceState(null, "", `#${number}`);
  look(true);
}

// Fetches the chosen invocation: at once, or in a while where it has just been fetched.
function look(now = false) {
  if (now && due !== null) { clearTimeout(due); due = null; }
  stale = true;
  if (due !== null) return;
  due = setTimeout(async () => {
    const number = chosen;
    stale = false; // what is told from here on may be newer than the answer
    try {
      const answer = await fetch(`api/invocations/${number}`);
      if (chosen !== number) return;
      current = answer.ok ? await answer.json() : null;
      if (chosen === number) show(current);
    } catch {
      // The server is away: the stream's state says so, and its next snapshot leads back here.
    } finally {
      if (chosen === number) {
        due = null;
        if (stale) look();
      }
    }
  }, now ? 0 : PAUSE);
}

function move(step) {
  const visible = [...known.keys()].filter((number) => matches(known.get(number))).reverse();
  if (!visible.length) return;
  const place = visible.indexOf(chosen);
  follow = false;
  select(visible[place < 0 ? 0 : Math.min(visible.length - 1, Math.max(0, place + step))]);
}

async function again() {
  if (chosen === null) return;
  try {
    picked(await post({ again: chosen }));
  } catch (error) {
    $("problem").hidden = false;
    $("problem").textContent = `It was not sent: ${error.message}`;
  }
}

// Shows what was just sent, as soon as the stream has told of it.
function picked(number) {
  follow = true;
  if (known.has(number)) select(number);
}

function connect() {
  const stream = new EventSource("api/stream");
  const tell = (state) => { $("connection").dataset.state = state; $("connection").textContent = state; };
  stream.addEventListener("open", () => tell("live"));
  stream.addEventListener("error", () => tell("lost"));
  stream.addEventListener("snapshot", (event) => {
    known.clear();
    items.clear();
    list.replaceChildren();
    take(JSON.parse(event.data));
    if (chosen !== null) {
      items.get(chosen)?.setAttribute("aria-selected", "true");
      look(true);
    }
  });
  stream.addEventListener("changed", (event) => take(JSON.parse(event.data)));
}

list.addEventListener("click", (event) => {
  const item = event.target.closest("li");
  if (item) { follow = false; select(Number(item.dataset.number)); }
});
$("filter").addEventListener("input", () => {
  for (const [number, item] of items) item.hidden = !matches(known.get(number));
  tally();
});
$("new").addEventListener("click", () => compose(null));
$("edit").addEventListener("click", () => current && compose(current));
$("again").addEventListener("click", again);
$("sender").addEventListener("close", () => list.focus());

const KEYS = {
  ArrowDown: () => move(1), j: () => move(1), ArrowUp: () => move(-1), k: () => move(-1),
  r: again, e: () => current && compose(current), n: () => compose(null), "/": () => $("filter").focus(),
};
document.addEventListener("keydown", (event) => {
  // A dialog that has just closed may still have the focus: keys are for the page again.
  const typing = $("sender").open || (event.target.closest("input, textarea, select") && !event.target.closest("dialog"));
  if (event.key === "Escape" && event.target === $("filter")) {
    event.preventDefault(); // or the browser empties it
    list.focus();
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !(event.key in KEYS)) return;
  if (event.key.startsWith("Arrow") && event.target.closest("[role=tabpanel], [role=tablist]")) return;
  event.preventDefault();
  KEYS[event.key]();
});

const facts = await (await fetch("api/function")).json();
document.title = `${facts.handler ?? "function"} · everloop inspector`;
$("facts").replaceChildren(...(facts.shown ?? []).map((text) => element("span", {}, text)));
prepare(facts, picked);
const wanted = Number(location.hash.slice(1));
if (wanted) { follow = false; select(wanted); }
choose("response");
connect();

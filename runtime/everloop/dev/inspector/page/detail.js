// Shows one invocation.

import { draw } from "./chart.js";
import { bytes, code, coloured, duration, element, outcome } from "./format.js";

const TABS = ["response", "event", "scope", "chunks", "logs"];
const $ = (id) => document.getElementById(id);

let shown = null;
const drawn = {}; // what a panel shows, as JSON: it is made anew, and scrolled back, only when that changes

export function show(invocation) {
  shown = invocation;
  $("detail").hidden = invocation === null;
  $("unselected").hidden = invocation !== null;
  if (invocation === null) return;
  const { text, tone } = outcome(invocation);
  $("status").textContent = text;
  $("status").className = `status tone-${tone}`;
  $("label").textContent = invocation.label || invocation.source;
  $("badges").replaceChildren(...badges(invocation));
  const problem = problemOf(invocation);
  $("problem").hidden = problem === null;
  $("problem").textContent = problem ?? "";
  $("times").replaceChildren(...times(invocation).map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
  const count = invocation.chunk_count;
  $("chart-note").textContent = count ? `${bytes(invocation.bytes)} in ${count} ${count === 1 ? "piece" : "pieces"}` : "";
  draw($("chart"), invocation);
  panel("response", [invocation.response, invocation.error, invocation.number], () => response(invocation));
  panel("event", [invocation.number], () => [coloured(invocation.event_text)]);
  panel("scope", [invocation.number], () => scope(invocation.scope));
  panel("chunks", [invocation.chunks, invocation.chunk_count], () => chunks(invocation));
  panel("logs", [invocation.logs], () => logs(invocation.logs));
  $("tab-logs").textContent = invocation.logs.length ? `Logs (${invocation.logs.length})` : "Logs";
  $("tab-chunks").textContent = count ? `Chunks (${count})` : "Chunks";
}

function panel(name, from, make) {
  const key = JSON.stringify(from);
  if (drawn[name] === key) return;
  drawn[name] = key;
  $(`panel-${name}`).replaceChildren(...make());
}

function badges(invocation) {
  const texts = [
    `#${invocation.number}`, invocation.source, invocation.streaming ? "InvokeWithResponseStream" : "Invoke",
    invocation.response_mode === null ? null : `answered ${invocation.response_mode}`,
    invocation.environment === null ? null : `environment ${invocation.environment}`,
    invocation.client_gone ? "client gone" : null,
    invocation.state === "done" || invocation.state === "failed" ? null : invocation.state,
  ];
  const made = texts.filter((text) => text !== null).map((text) => element("span", {}, text));
  return [...made, element("span", { class: "request-id", title: "request id" }, invocation.request_id)];
}

function times(invocation) {
  const at = invocation.times;
  const between = (from, to) => (from === null || to === null ? null : to - from);
  const rows = [
    ["duration", duration(invocation.duration)],
    ["first byte", duration(between(at.started, at.first_byte))],
    ["response complete", duration(between(at.started, at.responded))],
    ["bytes", bytes(invocation.bytes)],
  ];
  const background = between(at.responded, at.finished);
  if (background !== null && background > 1) rows.splice(3, 0, ["background", duration(background)]);
  if (at.started !== null && at.started > 1) rows.push(["waited", duration(at.started)]);
  if (at.init !== null) rows.push(["init", duration(at.init)]);
  if (invocation.memory_mb !== null) rows.push(["memory", `${Math.round(invocation.memory_mb)} MB`]);
  return rows;
}

function problemOf(invocation) {
  if (invocation.failure === null) return null;
  const message = invocation.error?.errorMessage ?? (typeof invocation.error === "string" ? invocation.error : "");
  return `${invocation.error_type ?? invocation.failure}: ${message}`;
}

function response(invocation) {
  const { kind, head, body, kept, whole } = invocation.response;
  const made = [];
  if (invocation.error !== null) made.push(element("h3", {}, "Error"), code(invocation.error));
  if (head !== null) {
    made.push(element("h3", {}, kind === "prelude" ? "Prelude" : "Envelope, without its body"), code(head));
  }
  if (!body.bytes) {
    if (!made.length) made.push(element("p", { class: "hint" }, "Nothing came yet."));
    return made;
  }
  const what = head === null ? "Payload" : "Body";
  const title = element("h3", {}, whole ? `${what}, ${bytes(body.bytes)}` : `${what}: of ${bytes(invocation.bytes)} the first ${bytes(kept)} are kept`);
  title.append(" · ", element("a", { href: `api/invocations/${invocation.number}/response`, download: "" }, "save what came"));
  made.push(title);
  if (body.hex !== undefined) {
    made.push(element("pre", { class: "hex" }, body.hex));
    if (body.cut) made.push(element("p", { class: "hint" }, "… and so on."));
  } else {
    made.push(/^\s*[[{]/.test(body.text) ? coloured(indented(body.text)) : code(body.text));
  }
  return made;
}

// Numbers stay as they are written: JSON.parse would round large ones, so those that have some are not laid out anew.
function indented(text) {
  try {
    const value = JSON.parse(text);
    return /\d{16}/.test(text) ? text : JSON.stringify(value, null, 2);
  } catch {
    return text;
  }
}

function scope(described) {
  if (described.none !== undefined) return [element("p", { class: "hint" }, described.none)];
  const hint = `What the runtime makes of the event (source ${described.source}). aws.event, aws.context and state are added; the body has ${bytes(described.body)}.`;
  return [element("p", { class: "hint" }, hint), code(described.scope)];
}

function chunks(invocation) {
  const rows = invocation.chunks.map((chunk, index) => element("tr", {},
    element("td", { class: "n" }, index + 1),
    element("td", { class: "n" }, duration(chunk.at)),
    element("td", { class: "n" }, duration(chunk.delivered)),
    element("td", { class: "n" }, bytes(chunk.bytes)),
    element("td", { class: "preview" }, chunk.preview === null ? "" : JSON.stringify(chunk.preview).slice(1, -1) + (chunk.cut ? " …" : ""))));
  if (!rows.length) return [element("p", { class: "hint" }, "No byte of the body came yet.")];
  const names = [["n", "#"], ["n", "came"], ["n", "delivered"], ["n", "size"], ["", "begins with"]];
  const head = element("tr", {}, ...names.map(([kind, name]) => element("th", { class: kind }, name)));
  const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
  const more = invocation.chunk_count - invocation.chunks.length;
  return more > 1 ? [table, element("p", { class: "hint" }, `… and ${more} more.`)] : [table];
}

function logs(lines) {
  if (!lines.length) return [element("p", { class: "hint" }, "It has written nothing.")];
  const pre = element("pre");
  for (const line of lines) {
    const text = line.text.replaceAll("\r", "\n").replaceAll("\u00a0", " ");
    const wrong = /^\[(ERROR|CRITICAL)\]|^\s*"level":\s*"ERROR"|^Traceback/.test(text);
    pre.append(element("span", { class: "at" }, duration(line.at).padStart(9), "  "), element("span", { class: wrong ? "error" : line.stream }, text), "\n");
  }
  return [pre];
}

export function choose(name, focus = false) {
  for (const tab of TABS) {
    const chosen = tab === name;
    $(`tab-${tab}`).setAttribute("aria-selected", chosen);
    $(`tab-${tab}`).tabIndex = chosen ? 0 : -1;
    $(`panel-${tab}`).hidden = !chosen;
  }
  if (focus) $(`tab-${name}`).focus();
}

for (const [index, tab] of TABS.entries()) {
  $(`tab-${tab}`).addEventListener("click", () => choose(tab));
  $(`tab-${tab}`).addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) choose(TABS.at((index + step) % TABS.length), true);
  });
}
choose("response");
new ResizeObserver(() => shown && draw($("chart"), shown)).observe($("chart"));

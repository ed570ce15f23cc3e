// Values as people read them, and elements as the other files make them.

export function bytes(count) {
  if (count < 1000) return `${count} B`;
  for (const unit of ["kB", "MB", "GB"]) {
    count /= 1000;
    if (count < 1000 || unit === "GB") return `${count.toPrecision(3)} ${unit}`;
  }
}

export function duration(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return "–";
  if (milliseconds < 100) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(2)} s`;
  return `${Math.floor(milliseconds / 60_000)} min ${Math.round((milliseconds % 60_000) / 1000)} s`;
}

export function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour12: false });
}

const BUSY = new Set(["waiting", "running", "responding"]);

// What stands in the place of the status, and its colour.
export function outcome(invocation) {
  if (invocation.failure !== null) {
    return { text: invocation.status ?? "failed", tone: "bad" };
  }
  if (BUSY.has(invocation.state)) return { text: invocation.status ?? "…", tone: "busy" };
  if (invocation.status === null) return { text: "ok", tone: "good" };
  const tone = { 2: "good", 3: "moved", 4: "doubtful", 5: "bad" }[Math.floor(invocation.status / 100)] ?? "moved";
  return { text: invocation.status, tone };
}

// Everything that comes from outside goes through `textContent`: no markup of an application's is ever markup here.
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") made.className = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

const TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

const COLOURED = 200_000; // characters; beyond that, the colours cost more than they show

// Gives JSON as a <pre> with coloured tokens; text stays text.
export function code(value) {
  if (typeof value !== "string") return coloured(JSON.stringify(value, null, 2));
  const pre = element("pre");
  pre.textContent = value;
  return pre;
}

// Gives JSON that is text already, so that its numbers stay as they are written.
export function coloured(text) {
  const pre = element("pre");
  if (text.length > COLOURED) {
    pre.textContent = text;
    return pre;
  }
  let end = 0;
  for (const found of text.matchAll(TOKEN)) {
    pre.append(text.slice(end, found.index));
    const kind = found[2] !== undefined ? "key" : found[1] !== undefined ? "string" : found[3] !== undefined ? "word" : "number";
    pre.append(element("span", { class: kind }, found[1] ?? found[0]), found[2] ?? "");
    end = found.index + found[0].length;
  }
  pre.append(text.slice(end));
  return pre;
}

// Draws how the bytes of a response came from the app and went to the client.

import { bytes, duration } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 210;
const LEFT = 62, RIGHT = 14, TOP = 22, BOTTOM = 24;
const DOTS = 250; // chunks that are drawn as dots; more of them are ticks below the line

function shape(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// Gives round numbers from 0 to `most`, about `wanted` of them.
function ticks(most, wanted) {
  const rough = most / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const values = [];
  for (let value = 0; value <= most * 1.0001; value += step) values.push(value);
  return values;
}

// A response grows in steps: nothing comes between two chunks.
function steps(points, x, y, from, to) {
  let path = `M${x(from)},${y(0)}`;
  for (const [at, size] of points) path += `H${x(at)}V${y(size)}`;
  return `${path}H${x(Math.max(to, points.at(-1)[0]))}`;
}

export function draw(place, invocation) {
  const { produced, delivered, times } = invocation;
  if (!produced.length && !delivered.length) {
    const note = document.createElement("p");
    note.className = "empty";
    note.textContent = invocation.state === "done" || invocation.state === "failed" ? "No byte came." : "Waiting for the first byte.";
    place.replaceChildren(note);
    return;
  }
  const width = Math.max(320, place.clientWidth);
  const last = Math.max(...[...produced, ...delivered].map(([at]) => at), times.responded ?? 0, times.finished ?? 0, 0.1);
  const most = Math.max(...[...produced, ...delivered].map(([, size]) => size), 1);
  const x = (at) => +(LEFT + (at / last) * (width - LEFT - RIGHT)).toFixed(2);
  const y = (size) => +(HEIGHT - BOTTOM - (size / most) * (HEIGHT - TOP - BOTTOM)).toFixed(2);
  const chunks = invocation.chunk_count;
  const svg = shape("svg", {
    viewBox: `0 0 ${width} ${HEIGHT}`, role: "img",
    "aria-label": `${bytes(most)} in ${chunks} ${chunks === 1 ? "piece" : "pieces"}, the first after ${duration(times.first_byte)}, the last after ${duration(produced.at(-1)?.[0])}`,
  });

  for (const value of ticks(most, 4)) {
    svg.append(shape("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }));
    svg.append(shape("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, bytes(Math.round(value))));
  }
  for (const value of ticks(last, Math.max(3, Math.floor(width / 130)))) {
    svg.append(shape("text", { x: x(value), y: HEIGHT - 6, "text-anchor": value ? "middle" : "start" }, value ? duration(value) : "0"));
  }
  let occupied = -Infinity;
  for (const [name, at] of [["event handed over", times.started], ["first byte", times.first_byte], ["response complete", times.responded], ["end", times.finished]]) {
    if (at === null) continue;
    svg.append(shape("line", { class: "mark", x1: x(at), x2: x(at), y1: TOP - 6, y2: HEIGHT - BOTTOM }));
    const right = x(at) > width - 110;
    const begin = right ? x(at) - name.length * 6 : x(at);
    if (begin < occupied) continue; // two names on one spot are read by nobody
    svg.append(shape("text", { x: x(at), y: TOP - 10, "text-anchor": right ? "end" : "start" }, name));
    occupied = begin + name.length * 6 + 8;
  }
  if (produced.length) {
    const line = steps(produced, x, y, times.started ?? 0, times.responded ?? 0);
    svg.append(shape("path", { class: "area", d: `${line}V${y(0)}Z` }));
    svg.append(shape("path", { class: "produced-line", d: line }));
  }
  if (delivered.length) {
    svg.append(shape("path", { class: "delivered-line", d: steps(delivered, x, y, times.started ?? 0, 0) }));
  }
  mark(svg, produced, x, y, "produced");
  mark(svg, delivered, x, y, "delivered");
  place.replaceChildren(svg);
}

function mark(svg, points, x, y, kind) {
  const few = points.length <= DOTS;
  let before = 0;
  for (const [at, size] of points) {
    if (few) {
      const dot = shape("circle", { class: `${kind}-chunk`, cx: x(at), cy: y(size), r: (points.length > 80 ? 1.5 : 2.5) + (kind === "delivered" ? 2 : 0) });
      dot.append(shape("title", {}, `${bytes(size - before)} ${kind} at ${duration(at)}, ${bytes(size)} so far`));
      svg.append(dot);
    } else if (kind === "produced") {
      svg.append(shape("line", { class: "produced-tick", x1: x(at), x2: x(at), y1: y(0), y2: y(0) + 5 }));
    }
    before = size;
  }
}

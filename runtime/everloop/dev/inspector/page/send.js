// The dialog in which an event is written and sent.

import { element } from "./format.js";

const $ = (id) => document.getElementById(id);
const dialog = $("sender");

let sent = () => {}; // called with the number of what was sent
let label = "event";

export async function post(asked) {
  const answer = await fetch("api/invocations", {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(asked),
  });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error);
  return said.number;
}

export function prepare({ samples, streaming }, whenSent) {
  sent = whenSent;
  $("streaming").checked = streaming === true;
  $("sample").append(...samples.map((name) => element("option", { value: name }, name)));
}

export async function compose(invocation) {
  $("sample").value = "";
  complain(null);
  if (invocation) {
    $("event").value = invocation.event_text;
    $("streaming").checked = invocation.streaming;
    label = invocation.label;
  } else if (!$("event").value) {
    await sample("function-url");
  }
  dialog.showModal();
  $("event").focus();
  $("event").setSelectionRange(0, 0);
  $("event").scrollTop = 0;
}

async function sample(name) {
  const answer = await fetch(`api/samples/${name}`);
  const event = await answer.json();
  if (!answer.ok) return complain(event.error);
  $("sample").value = name;
  $("event").value = JSON.stringify(event, null, 2);
  label = name;
  complain(null);
}

async function send() {
  let event;
  try {
    event = JSON.parse($("event").value);
  } catch (error) {
    return complain(`This is not JSON: ${error.message}`);
  }
  try {
    const number = await post({ payload: $("event").value, streaming: $("streaming").checked, label: named(event) ?? label });
    dialog.close();
    sent(number);
  } catch (error) {
    complain(error.message);
  }
}

// How the list calls it: by method and path, which may have been edited.
function named(event) {
  const method = event?.requestContext?.http?.method ?? event?.httpMethod ?? event?.method;
  const path = event?.rawPath ?? event?.path;
  if (typeof method !== "string" || typeof path !== "string") return null;
  return event.rawQueryString ? `${method} ${path}?${event.rawQueryString}` : `${method} ${path}`;
}

function complain(why) {
  $("wrong").hidden = why === null;
  $("wrong").textContent = why ?? "";
}

$("sample").addEventListener("change", () => $("sample").value && sample($("sample").value));
$("cancel").addEventListener("click", () => dialog.close());
dialog.querySelector("form").addEventListener("submit", (event) => { event.preventDefault(); send(); });
$("event").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); send(); }
});

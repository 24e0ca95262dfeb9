/** What every page starts: htmx's swaps are looked after, and the elements are defined. */

import { initAll } from "../vendor/nhsuk/nhsuk-frontend.min.js";
import { State, theBridge } from "./bridge-client.js";
import { defineElements } from "./elements.js";
import { arrived, opened } from "./regions.js";
import { introduce } from "./server.js";
import "./card-step.js";

initAll({ scope: document.body });
defineElements(document.body);
opened();

// htmx 4 tells of each element that it has just put into the page by this event.
document.addEventListener("htmx:after:process", (event) => {
  const element = event.target;
  if (element instanceof Element && element !== document.body) arrived(element);
});

// A form was sent, and its answer is the next page. What this page has asked for by itself must not
// lead somewhere else meanwhile.
let leaving = false;
window.addEventListener("submit", (event) => (leaving ||= !event.defaultPrevented));
window.addEventListener("pageshow", () => (leaving = false));

// A ticket is good for a minute, counted from the hello: the server hears of it at once. Not from a
// page that is being left: its session may be over already.
theBridge().addEventListener("change", () => {
  if (theBridge().state === State.CONNECTED && !leaving) introduce(theBridge()).catch(() => {});
});

for (const name of ["htmx:before:request", "htmx:after:request"]) {
  document.addEventListener(name, (event) => {
    if (leaving && isByItself(/** @type {CustomEvent} */ (event).detail.ctx)) event.preventDefault();
  });
}

/** @param {{request?: {headers: Record<string, string>}} | undefined} ctx */
function isByItself(ctx) {
  return Boolean(ctx?.request?.headers["By-Itself"]);
}

// Nothing came, or an answer that htmx does not swap in: say so where the answer was expected.
for (const name of ["htmx:error", "htmx:response:error"]) {
  document.addEventListener(name, (event) => {
    const { ctx } = /** @type {CustomEvent} */ (event).detail;
    if (isByItself(ctx)) return; // the page asks again, and nobody waits for it
    const status = ctx?.response?.status ?? 0;
    if (!ctx || status === 409 || status === 422 || ctx.response?.headers.has("HX-Redirect")) return;
    showFailure(ctx.target instanceof Element ? ctx.target : document.querySelector("main"));
  });
}

/** @param {Element | null} place */
function showFailure(place) {
  const template = document.getElementById("request-failed");
  if (!(template instanceof HTMLTemplateElement) || !place) return;
  document.querySelector("[data-request-failed]")?.remove();
  const box = document.createElement("div");
  box.dataset.requestFailed = "";
  box.tabIndex = -1;
  box.append(template.content.cloneNode(true));
  place.before(box);
  box.focus();
}

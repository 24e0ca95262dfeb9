/** Putting a fragment of the server's into the page, and what every fragment needs afterwards. */

import { initAll } from "../vendor/nhsuk/nhsuk-frontend.min.js";
import { defineElements } from "./elements.js";

/**
 * Replace one region by the server's fragment.
 * @param {Element} region @param {string} html
 */
export function showFragment(region, html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const elements = [...template.content.children];
  region.replaceWith(template.content);
  for (const element of elements) {
    if (!element.isConnected) continue;
    if (window.htmx) window.htmx.process(element);
    else arrived(element);
  }
}

/**
 * Make a region that has just arrived usable: design system behaviour, focus, announcement.
 * @param {Element} element
 */
export function arrived(element) {
  initAll({ scope: element });
  defineElements(element);
  focusWhereAsked(element);
  announceWhatIsSaid(element);
}

/** On a page that has just been opened: what was done to come there has the focus, and is read out. */
export function opened() {
  const done = document.querySelector("main :is(.app-done, .nhsuk-panel)[data-focus]");
  if (!done) return;
  focusWhereAsked(done);
  announceWhatIsSaid(done);
}

/** @param {string} words read out by screen readers, once */
export function announce(words) {
  const status = document.getElementById("announcer");
  if (!status) return;
  status.textContent = "";
  requestAnimationFrame(() => (status.textContent = words));
}

/** @param {Element} element */
function announceWhatIsSaid(element) {
  const words = find(element, "data-announce")?.getAttribute("data-announce");
  if (words) announce(words);
}

/** @param {Element} element */
function focusWhereAsked(element) {
  const asking = find(element, "data-focus");
  if (!asking) return;
  const selector = asking.getAttribute("data-focus");
  const target = /** @type {HTMLElement | null} */ (
    selector ? document.querySelector(selector) : asking
  );
  if (!target) return;
  if (target.tabIndex < 0 && !target.hasAttribute("tabindex")) target.tabIndex = -1;
  target.focus();
}

/** @param {Element} element @param {string} attribute @returns {Element | null} */
function find(element, attribute) {
  return element.hasAttribute(attribute) ? element : element.querySelector(`[${attribute}]`);
}

/**
 * Our own elements, each fetched when a page has one: a page loads only what it uses.
 *
 * <card-step> alone is there from the start (app.js): a passcode may be typed at once.
 */

/** @type {Record<string, () => Promise<unknown>>} */
const ELEMENTS = {
  "copy-text": () => import("./copy-text.js"),
  "live-card": () => import("./live-card.js"),
  "reader-check": () => import("./reader-check.js"),
  "second-reader": () => import("./second-reader.js"),
  "session-guard": () => import("./session-guard.js"),
  "sign-in-card": () => import("./sign-in-card.js"),
};

/**
 * Fetch what the elements in a region do, and what the region itself does.
 * @param {Element} region
 */
export function defineElements(region) {
  for (const [name, load] of Object.entries(ELEMENTS)) {
    if (region.localName === name || region.querySelector(name)) load();
  }
}

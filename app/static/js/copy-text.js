/**
 * <copy-text>: a button that copies the text beside it. Where the browser does not let a page write
 * to the clipboard, it selects the text, so that the person's own keys copy it.
 */

import { announce } from "./regions.js";

class CopyText extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector("button");
    if (!button) return;
    button.hidden = false;
    button.addEventListener("click", () => this.#copy(button));
  }

  /** @param {HTMLButtonElement} button */
  async #copy(button) {
    const text = this.querySelector("pre");
    if (!text) return;
    let said = button.dataset.copied ?? "";
    try {
      await navigator.clipboard.writeText(text.textContent ?? "");
    } catch {
      window.getSelection()?.selectAllChildren(text);
      said = button.dataset.select ?? "";
    }
    const place = this.querySelector("[data-said]");
    if (place) place.textContent = said;
    announce(said);
  }
}

customElements.define("copy-text", CopyText);

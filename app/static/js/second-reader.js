/**
 * <second-reader>: the user's card, in another reader than the card that is signed in with.
 *
 * A <card-step> inside it works on that card. [data-own-reader] names the reader of one's own card,
 * [data-user-reader] that of the user's.
 */

import { LiveCards } from "./live-cards.js";

class SecondReader extends LiveCards {
  connectedCallback() {
    document.addEventListener("own-seat", () => this.look());
    super.connectedCallback();
  }

  look() {
    this.#nameReaders();
    super.look();
  }

  /** All cards but one's own. @override */
  present() {
    const own = this.#ownSeat();
    return super.present().filter((card) => card.seat !== own);
  }

  /** @override */
  emptyState() {
    return this.bridge.readers.size < 2 ? "one-reader" : "no-card";
  }

  /** Beside it stands no longer whose card is in the reader. @override */
  answerStays(/** @type {HTMLTemplateElement | null} */ removed) {
    const owner = this.querySelector("[data-live] .reader-panel:has([data-second])");
    const gone = removed?.content.querySelector(".reader-panel");
    if (owner && gone) owner.replaceWith(gone.cloneNode(true));
  }

  /** @returns {string | null | undefined} */
  #ownSeat() {
    return document.querySelector("session-guard")?.getAttribute("seat");
  }

  #nameReaders() {
    const own = this.#ownSeat();
    const readers = [...this.bridge.readers.values()];
    const mine = readers.find((reader) => reader.seat === own);
    const other = readers.find((reader) => reader.seat !== null && reader !== mine);
    const place = other ?? readers.find((reader) => reader !== mine);
    this.#name("[data-own-reader]", mine?.reader);
    this.#name("[data-user-reader]", place?.reader);
  }

  /** @param {string} selector @param {string | undefined} name */
  #name(selector, name) {
    const element = document.querySelector(selector);
    if (element && name && element.textContent !== name) element.textContent = name;
  }
}

customElements.define("second-reader", SecondReader);

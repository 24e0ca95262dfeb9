/**
 * What is in the readers, live, and its way forward: what <sign-in-card> and <second-reader> share.
 *
 * What the page can see by itself (no bridge, no reader, no card) has its words in templates of
 * the page; what a card is, the server says in a fragment.
 */

import { BridgeError, Say, State, theBridge } from "./bridge-client.js";
import { cardIsWorking } from "./card-step.js";
import { announce, showFragment } from "./regions.js";
import { LostServer, postJson } from "./server.js";

/** Said of a card that went while it was read. Often another one has come at the same moment. */
const SWAPPED = ["card-removed", "card-changed"];
const AGAIN_MS = 1000;
const MOST_AGAIN = 3;

export class LiveCards extends HTMLElement {
  bridge = theBridge();
  /** @type {string | null} the seat of the card that is meant */ seat = null;
  /** @type {object | null} what that card said when it was read */ reading = null;
  /** What is on screen: a state's name, or the seats of the cards that are shown. */
  #shown = "searching";
  /** Whether an answer about a card that is gone stays until the next card comes. */
  #keepAnswer = false;
  #turn = 0;
  /** How often the cards on screen were read again because one of them had just been swapped. */
  #again = 0;

  connectedCallback() {
    this.bridge.addEventListener("change", () => this.look());
    this.bridge.start();
    this.addEventListener("click", (event) => this.#clicked(event));
    document.addEventListener("card-step-ended", () => {
      this.#keepAnswer = this.seat !== null && !this.bridge.holds(this.seat);
      this.look();
    });
    this.look();
  }

  /** @returns {import("./bridge-client.js").Reader[]} the readers whose cards are looked at */
  present() {
    return this.bridge.ready ? this.bridge.cards() : [];
  }

  /** @returns {string} the template's name where there are readers, and no card to look at */
  emptyState() {
    return "no-card";
  }

  /**
   * The answer about a card that went stays on screen.
   * @param {HTMLTemplateElement | null} _removed the words for a card that was taken out
   */
  answerStays(_removed) {}

  /** @param {MouseEvent} event */
  #clicked(event) {
    const button = /** @type {Element} */ (event.target).closest("[data-choose-seat], [data-again]");
    if (!button) return;
    event.preventDefault();
    this.bridge.retryNow();
    this.#showCards(button.getAttribute("data-choose-seat"));
  }

  look() {
    if (cardIsWorking()) return;
    const cards = this.present();
    if (this.seat !== null) {
      if (cards.some((card) => card.seat === this.seat)) return;
      if (this.#keepAnswer && !cards.length) {
        this.answerStays(this.#template("card-removed"));
        return;
      }
    }
    if (!cards.length) {
      this.seat = null;
      this.#showState(this.#state());
      return;
    }
    const seats = cards.map((card) => card.seat).join(" ");
    if (seats !== this.#shown) this.#showCards(null);
  }

  /** Read the card on screen once more, and show what is said of it now. */
  lookAgain() {
    this.#showCards(this.seat);
  }

  /** @returns {string} the name of the template for what the page can see by itself */
  #state() {
    const { bridge } = this;
    if (bridge.state !== State.CONNECTED) return bridge.state;
    if (!bridge.ready) return State.SEARCHING;
    if (bridge.unavailable) return "no-service";
    if (!bridge.readers.size) return "no-reader";
    return this.#shown === "searching" || this.#knownState() ? this.emptyState() : "card-removed";
  }

  /** Whether what is on screen is a state of the page's own, not one about a card. */
  #knownState() {
    return this.#template(this.#shown) !== null && this.#shown !== "card-removed";
  }

  /** @param {string} name @returns {HTMLTemplateElement | null} */
  #template(name) {
    return this.querySelector(`:scope > template[data-state="${CSS.escape(name)}"]`);
  }

  /** @param {string} name */
  #showState(name) {
    if (name === this.#shown) return;
    const brief = name === State.SEARCHING && this.#shown !== "searching";
    if (brief) return; // a look for a bridge that was there a moment ago is not news
    const template = this.#template(name);
    if (!template) return;
    this.#turn += 1;
    this.#shown = name;
    this.#live().replaceChildren(template.content.cloneNode(true));
    const heading = this.#live().querySelector("h2, p");
    announce(heading?.textContent?.trim() ?? "");
  }

  /** @param {string | null} chosen the seat, where the person has chosen one */
  async #showCards(chosen) {
    const turn = ++this.#turn;
    const present = this.present();
    this.#shown = present.map((card) => card.seat).join(" ");
    const cards = await Promise.all(present.map((card) => this.#read(card.reader, card.seat)));
    if (turn !== this.#turn || !cards.length) return;
    const seat = chosen ?? (cards.length === 1 ? cards[0].seat : null);
    try {
      const answer = await postJson(this.getAttribute("card-url"), { cards, seat });
      if (turn !== this.#turn) return;
      if (answer.location) window.location.assign(answer.location);
      this.seat = seat;
      this.reading = cards.find((card) => card.seat === seat) ?? null;
      this.#keepAnswer = false;
      this.#put(answer.html ?? "");
      this.#readAgain(cards, turn, chosen);
    } catch (error) {
      if (turn !== this.#turn || !(error instanceof LostServer)) return;
      if (error.html) this.#put(error.html);
      else this.#showState(error.word);
    }
  }

  /**
   * Cards that were swapped faster than a reader tells are not told of twice: look for oneself.
   * @param {{error?: {code: string}}[]} cards @param {number} turn @param {string | null} chosen
   */
  #readAgain(cards, turn, chosen) {
    if (!cards.some((card) => SWAPPED.includes(card.error?.code ?? ""))) this.#again = 0;
    else if (this.#again++ < MOST_AGAIN) {
      setTimeout(() => turn === this.#turn && this.#showCards(chosen), AGAIN_MS);
    }
  }

  /**
   * A step that was cut off may have changed what the card says of itself.
   * @returns {Promise<object | null>} what the card that is meant says now, if it can be asked
   */
  async readAgain() {
    const place = this.present().find((card) => card.seat === this.seat);
    const said = place ? await this.#read(place.reader, place.seat) : null;
    if (said && !("error" in said)) this.reading = said;
    return this.reading;
  }

  /** @param {string} reader @param {string | null} seat @returns {Promise<object>} */
  async #read(reader, seat) {
    try {
      const { ok } = await this.bridge.request(Say.READ_CARD, { reader });
      return { ...ok, reader, seat };
    } catch (error) {
      if (!(error instanceof BridgeError)) throw error;
      return { reader, seat, error: { code: error.code, ...error.facts } };
    }
  }

  /** @param {string} html */
  #put(html) {
    const region = document.createElement("div");
    this.#live().replaceChildren(region);
    showFragment(region, html);
  }

  #live() {
    return /** @type {HTMLElement} */ (this.querySelector("[data-live]"));
  }
}

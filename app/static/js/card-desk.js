/**
 * <card-desk>: the virtual cards and readers of the demonstration, moved as a hand would.
 *
 * The server has drawn every card of the demonstration; the bridge says which of them exist on this
 * PC and where they are.
 */

import { BridgeError, Said, Say, State, theBridge } from "./bridge-client.js";
import { announce } from "./regions.js";

/** @typedef {{reader: string, card: string | null}} DeskReader */
/** @typedef {{card: string, label: string, guid: string | null, reader: string | null, passcode_left: number | null}} DeskCard */

class CardDesk extends HTMLElement {
  #bridge = theBridge();
  /** Presses are done one after the other; none is lost. */ #before = Promise.resolve();
  /** @type {Set<string | null>} the cards that exist on this PC */
  #known = new Set();

  connectedCallback() {
    this.#bridge.addEventListener("change", () => this.#connection());
    this.#bridge.addEventListener("said", (event) => {
      const moved = [Said.CARD_INSERTED, Said.CARD_REMOVED, Said.READY];
      if (moved.includes(/** @type {CustomEvent} */ (event).detail.event)) this.#list();
    });
    this.addEventListener("click", (event) => this.#clicked(event));
    this.#part("find").addEventListener("input", () => this.#find());
    this.#bridge.start();
  }

  #connection() {
    const connected = this.#bridge.state === State.CONNECTED;
    this.#part("away").hidden = connected || this.#bridge.state === State.SEARCHING;
    this.#part("desk").hidden = !connected;
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const button = /** @type {Element} */ (event.target).closest("button[data-action]");
    if (!button) return;
    const { action, reader, said } = /** @type {HTMLElement} */ (button).dataset;
    const card = button.closest("[data-card]")?.getAttribute("data-card");
    const move = async () => {
      await this.#move(action, card, reader);
      announce(said ?? "");
    };
    this.#before = this.#before.then(move, move);
  }

  /** A reader takes one card: what is in it comes out first. What was done already is left alone. */
  async #move(action, card, reader) {
    const slot = this.querySelector(`[data-part="readers"] > [data-reader="${CSS.escape(reader ?? "")}"]`);
    const held = /** @type {HTMLElement | null} */ (slot)?.dataset.holds;
    if (action === "insert" && held === card) return;
    if (action === "remove" && !held) return;
    if (action === "insert" && held) await this.#ask({ action: "remove", reader });
    await this.#ask({ action, card, reader });
  }

  #list() {
    return this.#ask({ action: "list" });
  }

  /** @param {object} fields */
  async #ask(fields) {
    const refused = this.#part("refused");
    try {
      const { ok } = await this.#bridge.request(Say.DESK, fields);
      refused.hidden = true;
      this.#show(ok);
    } catch (error) {
      if (!(error instanceof BridgeError)) throw error;
      if (error.code !== "bridge-gone") refused.hidden = false;
    }
  }

  /** @param {{readers: DeskReader[], cards: DeskCard[]}} desk */
  #show({ readers, cards }) {
    const held = document.activeElement?.getAttribute("data-key");
    const names = readers.map(({ reader }) => reader);
    fill(this.#part("readers"), readers.map((each) => this.#reader(each, cards)));
    this.#known = new Set(cards.map((each) => each.card));
    for (const card of cards) this.#card(card, names);
    this.#find();
    if (held) this.querySelector(`[data-key="${CSS.escape(held)}"]`)?.focus();
  }

  /** Show the cards of this PC in whose words all that was typed occurs. */
  #find() {
    const field = /** @type {HTMLInputElement} */ (this.#part("find"));
    const wanted = folded(field.value).split(/\s+/).filter(Boolean);
    let found = 0;
    for (const item of this.querySelectorAll("li[data-card]")) {
      const words = [...item.querySelectorAll("[data-title], [data-about]")];
      const text = folded(words.map((each) => each.textContent).join(" "));
      const here = this.#known.has(item.getAttribute("data-card"));
      const shown = here && wanted.every((word) => text.includes(word));
      item.toggleAttribute("hidden", !shown);
      if (shown) found += 1;
    }
    const all = this.#known.size;
    this.#part("found").textContent = wanted.length ? `${found} of ${all} cards` : `${all} cards`;
  }

  /** @param {DeskReader} reader @param {DeskCard[]} cards */
  #reader({ reader, card }, cards) {
    const item = this.#copy("reader");
    item.dataset.reader = reader;
    item.querySelector("[data-name]").textContent = reader;
    const inside = cards.find((each) => each.card === card);
    if (card) item.dataset.holds = card;
    item.querySelector("[data-content]").textContent = card ? this.#title(inside) : "Empty";
    item.querySelector("img").src = item.dataset[card ? "full" : "empty"];
    const out = item.querySelector("button");
    item.classList.toggle("card-desk__reader--empty", !card);
    out.dataset.reader = reader;
    out.dataset.key = `out ${reader}`;
    out.dataset.said = `${this.#title(inside)} taken out of ${reader}`;
    out.querySelector("[data-of]").textContent = ` of ${reader}`;
    return item;
  }

  /** @param {DeskCard} card @param {string[]} readers */
  #card(card, readers) {
    let item = this.#item(card);
    if (!item) {
      item = this.#copy("unknown");
      item.dataset.card = card.card;
      this.#part("cards").append(item);
      item.querySelector("[data-title]").textContent = card.label;
    }
    const left = card.passcode_left;
    const state = item.querySelector("[data-state]");
    state.textContent = left === 0 ? ", locked" : left === null ? "" : `, ${left} passcode ${left === 1 ? "try" : "tries"} left`;
    state.classList.toggle("card-desk__locked", left === 0);
    const where = card.reader ? `In ${card.reader}` : "On the desk";
    item.querySelector("[data-where]").textContent = where;
    const buttons = readers.map((reader) => this.#button(card, reader));
    if (left !== 0 && left !== null) buttons.push(this.#lock(card));
    fill(item.querySelector("[data-buttons]"), buttons);
    const seat = card.reader && this.#bridge.readers.get(card.reader)?.seat;
    const step = item.querySelector("card-step");
    if (step) step.hidden = !seat;
    if (step && seat) step.setAttribute("seat", seat);
  }

  /** @param {DeskCard} card @param {string} reader */
  #button(card, reader) {
    const inside = card.reader === reader;
    const button = this.#copy("button");
    button.dataset.action = inside ? "remove" : "insert";
    button.dataset.reader = reader;
    button.dataset.key = `${card.card} ${reader}`;
    button.textContent = inside ? `Take out of ${reader}` : `Put into ${reader}`;
    button.dataset.said = `${this.#title(card)}: ${inside ? "taken out of" : "put into"} ${reader}`;
    button.setAttribute("aria-label", `${button.textContent}: ${this.#title(card)}`);
    return button;
  }

  /** @param {DeskCard} card */
  #lock(card) {
    const button = this.#copy("button");
    button.dataset.action = "lock";
    button.dataset.key = `${card.card} lock`;
    button.textContent = "Lock";
    button.dataset.said = `${this.#title(card)}: locked`;
    button.setAttribute("aria-label", `Lock with wrong passcodes: ${this.#title(card)}`);
    return button;
  }

  /** @param {DeskCard | undefined} card */
  #title(card) {
    if (!card) return "";
    return this.#item(card)?.querySelector("[data-title]")?.textContent ?? card.label;
  }

  /** @param {DeskCard} card @returns {HTMLElement | null} */
  #item(card) {
    return this.querySelector(`li[data-card="${CSS.escape(card.card)}"]`);
  }

  /** @param {string} name @returns {HTMLElement} */
  #part(name) {
    return /** @type {HTMLElement} */ (this.querySelector(`[data-part="${name}"]`));
  }

  /** @param {string} name @returns {HTMLElement} a copy of one of the page's templates */
  #copy(name) {
    const template = /** @type {HTMLTemplateElement} */ (this.querySelector(`[data-copy="${name}"]`));
    return /** @type {HTMLElement} */ (template.content.firstElementChild.cloneNode(true));
  }
}

/**
 * Draw anew what is otherwise now; the rest stays, with whatever is being pressed there.
 * @param {Element} place @param {Element[]} wanted
 */
function fill(place, wanted) {
  const drawn = /** @type {Element} */ (place.cloneNode(false));
  drawn.append(...wanted);
  if (!place.isEqualNode(drawn)) place.replaceChildren(...drawn.children);
}

/** @param {string} text @returns {string} without case and accents, a number without its spaces */
function folded(text) {
  const plain = text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return plain.replace(/(?<=\d)\s+(?=\d)/g, "");
}

customElements.define("card-desk", CardDesk);

/**
 * <reader-check>: from the browser to the card, what works and what does not, live.
 *
 * What the page can see by itself has its words in templates of the page; what a card is, the
 * server says in a fragment.
 */

import { BridgeError, Say, State, theBridge } from "./bridge-client.js";
import { permission } from "./bridge-search.js";
import { announce } from "./regions.js";
import { LostServer, postJson } from "./server.js";

class ReaderCheck extends HTMLElement {
  #bridge = theBridge();
  /** @type {string | null} what the browser says of its permission, where it says anything */
  #permission = null;
  /** @type {Map<string, string>} what each check shows */
  #shown = new Map();
  #turn = 0;

  connectedCallback() {
    this.hidden = false;
    this.#bridge.addEventListener("change", () => this.#look());
    this.querySelector("[data-again]")?.addEventListener("click", () => this.#again());
    this.#watchPermission();
    this.#bridge.start();
  }

  async #watchPermission() {
    const status = await permission();
    this.#permission = status?.state ?? null;
    status?.addEventListener("change", () => {
      this.#permission = status.state;
      this.#bridge.retryNow();
      this.#look();
    });
    this.#look();
  }

  #again() {
    this.#shown.delete("card");
    this.#bridge.retryNow();
    this.#look();
  }

  #look() {
    const { state, ready, hello, unavailable, readers } = this.#bridge;
    this.#show("browser", this.#browser(state));
    this.#show("bridge", this.#program(state), (live) => {
      fill(live, "version", hello?.version ?? "");
      fill(live, "name", hello?.name ?? "");
    });
    this.#show("service", this.#service(ready, unavailable, hello?.capabilities ?? []));
    const list = [...readers.values()];
    this.#show(
      "readers",
      ready ? (list.length ? "some" : "none") : "waiting",
      (live) => this.#list(live, list),
      JSON.stringify(list.map(({ reader, seat, busy }) => [reader, seat !== null, busy])),
    );
    this.#cards(ready);
  }

  /** @param {string} state @returns {string} */
  #browser(state) {
    if (state === State.CONNECTED) return "reached";
    if (state === State.SEARCHING) return "waiting";
    if (state === State.BLOCKED) return "policy-blocked";
    if (state === State.REFUSED || this.#permission === "denied") return "refused";
    if (!window.isSecureContext) return "insecure";
    if (this.#permission === "granted") return "granted";
    return this.#permission === "prompt" ? "not-asked" : "unknown";
  }

  /** @param {string} state @returns {string} */
  #program(state) {
    if (state === State.CONNECTED) return "connected";
    if (state === State.SEARCHING) return "waiting";
    if (state === State.TOO_MANY) return "too-many";
    return this.#browser(state) === "refused" || state === State.BLOCKED
      ? "cannot-tell"
      : "not-running";
  }

  /** @param {boolean} ready @param {boolean} unavailable @param {string[]} capabilities */
  #service(ready, unavailable, capabilities) {
    if (!ready) return "waiting";
    if (unavailable) return "no-service";
    return capabilities.includes("pcsc") ? "working" : "virtual-only";
  }

  /** Read what is in the readers when that has changed. @param {boolean} ready */
  async #cards(ready) {
    const present = ready ? this.#bridge.cards() : [];
    if (!present.length) {
      this.#turn += 1;
      this.#show("card", ready ? "none" : "waiting");
      return;
    }
    const seats = present.map((card) => card.seat).join(" ");
    if (this.#shown.get("card") === seats) return;
    this.#shown.set("card", seats);
    const turn = ++this.#turn;
    const cards = await Promise.all(present.map((card) => this.#read(card.reader, card.seat)));
    try {
      if (turn !== this.#turn) return;
      const { html } = await postJson(this.getAttribute("card-url"), { cards });
      if (turn === this.#turn && html) this.#put("card", html);
    } catch (error) {
      if (turn !== this.#turn || !(error instanceof LostServer)) return;
      if (error.html) this.#put("card", error.html);
      else this.#show("card", "no-server");
    }
  }

  /** @param {string} reader @param {string | null} seat @returns {Promise<object>} */
  async #read(reader, seat) {
    try {
      const { ok } = await this.#bridge.request(Say.READ_CARD, { reader });
      return { ...ok, reader, seat };
    } catch (error) {
      if (!(error instanceof BridgeError)) throw error;
      return { reader, seat, error: { code: error.code, ...error.facts } };
    }
  }

  /** @param {HTMLElement} live @param {import("./bridge-client.js").Reader[]} readers */
  #list(live, readers) {
    const items = readers.map(({ reader, virtual, seat, busy }) => {
      const word = busy ? "busy" : seat === null ? "empty" : "card";
      const item = copy(this.querySelector(`template[data-reader="${word}"]`));
      const name = item.querySelector("[data-name]");
      if (name) name.textContent = reader;
      if (!virtual) item.querySelector("[data-virtual]")?.remove();
      return item;
    });
    live.querySelector('[data-fact="readers"]')?.replaceChildren(...items);
  }

  /**
   * Show what a check has come to, unless it shows that already.
   * @param {string} check @param {string} state
   * @param {(live: HTMLElement) => void} [complete] @param {string} [facts] that it was told
   */
  #show(check, state, complete, facts = "") {
    if (this.#shown.get(check) === state + facts) return;
    this.#shown.set(check, state + facts);
    const place = this.#place(check);
    const template = place?.querySelector(`:scope > template[data-state="${state}"]`);
    const live = /** @type {HTMLElement | null} */ (place?.querySelector(":scope > [data-live]"));
    if (!live || !template) return;
    live.replaceChildren(copy(/** @type {HTMLTemplateElement} */ (template)));
    complete?.(live);
    if (state !== "waiting") this.#tell(check, live);
  }

  /** @param {string} check @param {string} html */
  #put(check, html) {
    const live = /** @type {HTMLElement | null} */ (
      this.#place(check)?.querySelector(":scope > [data-live]")
    );
    if (!live) return;
    live.innerHTML = html;
    this.#tell(check, live);
  }

  /** @param {string} check @returns {Element | null} */
  #place(check) {
    return this.querySelector(`[data-check="${check}"]`);
  }

  /** Read out what has changed. @param {string} check @param {HTMLElement} live */
  #tell(check, live) {
    const name = this.#place(check)?.querySelector("h2")?.textContent ?? "";
    const words = [...live.querySelectorAll("p, li")].slice(0, 2).map((each) => each.textContent);
    announce(`${name}: ${words.join(" ").replace(/\s+/g, " ").trim()}`);
  }
}

/** @param {HTMLTemplateElement | null} template @returns {DocumentFragment} */
function copy(template) {
  return /** @type {DocumentFragment} */ (
    template?.content.cloneNode(true) ?? document.createDocumentFragment()
  );
}

/** @param {HTMLElement} live @param {string} fact @param {string} value */
function fill(live, fact, value) {
  const place = live.querySelector(`[data-fact="${fact}"]`);
  if (place) place.textContent = value;
}

customElements.define("reader-check", ReaderCheck);

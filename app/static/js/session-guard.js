/**
 * <session-guard>: the session belongs to the card in the reader. It has the attribute `watching`
 * in the tab that sees the reader.
 *
 * One tab of a browser watches the reader (a Web Lock decides which); all tabs hear of a removal at
 * once over a BroadcastChannel and leave. The server ends the session by itself as well; this is
 * what makes it quick.
 */

import { BridgeError, Said, Say, State, theBridge } from "./bridge-client.js";
import { cardIsWorking } from "./card-step.js";
import { introduce, pageHeaders, postJson } from "./server.js";

/** How long the bridge may be away before the person is told. */
const GRACE_MS = 10_000;
/** A page that comes asks for a proof of presence when less than this part of the last is left. */
const PROOF_DUE = 2 / 3;
/** How soon the server is asked again where it could not say whether the session lasts. */
const ASK_AGAIN_MS = 5000;
/** How soon a card that another program has is asked again. */
const BUSY_AGAIN_MS = 3000;
/** How long a card operation may take to report that its card was pulled. */
const LAST_WORDS_MS = 1500;

/** Tells the server that no person caused this request. */
const BY_ITSELF = { "By-Itself": "1" };

class SessionGuard extends HTMLElement {
  #channel = new BroadcastChannel("session-guard");
  #bridge = theBridge();
  #leaving = false;
  #graceTimer = 0;
  #endsAt = 0;
  #proofEndsAt = Date.now() + Number(this.getAttribute("presence-seconds") ?? 0) * 1000;
  #leads = false;
  #proving = false;
  #asking = false;
  #againTimer = 0;
  #clock = 0;
  #release = () => {};

  connectedCallback() {
    this.#channel.onmessage = ({ data }) => this.#hear(data);
    this.#bridge.addEventListener("change", () => this.#look());
    this.#bridge.addEventListener("said", (event) => {
      const said = /** @type {CustomEvent} */ (event).detail.event;
      if (said === Said.TICK) this.#provePresence();
      else if (said === Said.READY && this.#isProofDue()) this.#provePresence();
    });
    document.addEventListener("htmx:after:request", () => this.#active());
    document.addEventListener("card-step-began", () => this.#active());
    document.addEventListener("card-step-ended", () => this.#active());
    for (const form of document.querySelectorAll("form[data-sign-out]")) {
      form.addEventListener("submit", () => this.#tell({ ended: "signed-out" }));
    }
    this.querySelector("[data-stay]")?.addEventListener("click", () => this.#stay());
    this.#active();
    this.#clock = window.setInterval(() => this.#watchClock(), 1000);
    this.#lead();
  }

  disconnectedCallback() {
    clearInterval(this.#clock);
    clearTimeout(this.#graceTimer);
    clearTimeout(this.#againTimer);
    this.#channel.close();
    this.#release();
  }

  /** Wait to become the tab that watches. Without Web Locks every tab watches for itself. */
  #lead() {
    const watch = () =>
      new Promise((resolve) => {
        if (this.#leaving) return;
        this.#release = () => resolve(undefined);
        this.#leads = true;
        this.#bridge.start();
        this.#look();
        if (this.#isProofDue()) this.#provePresence();
      });
    if (navigator.locks) navigator.locks.request("session-guard", watch).catch(() => {});
    else watch();
  }

  /** Compare what is in the readers with the card that this session belongs to. */
  #look() {
    if (this.#leaving) return;
    this.toggleAttribute("watching", this.#leads && this.#bridge.ready);
    if (this.#bridge.state !== State.CONNECTED) {
      this.#graceTimer ||= window.setTimeout(() => this.#bridgeGone(true), GRACE_MS);
      return;
    }
    clearTimeout(this.#graceTimer);
    this.#graceTimer = 0;
    if (!this.#bridge.ready) return;
    this.#bridgeGone(false);
    if (this.#isOtherBridge()) this.#provePresence();
    else if (!this.#bridge.holds(this.getAttribute("seat") ?? "")) this.#cardRemoved();
  }

  /** @returns {boolean} whether the bridge was started again since this session last heard of it */
  #isOtherBridge() {
    return this.#bridge.hello?.instance !== this.getAttribute("bridge");
  }

  #isProofDue() {
    return this.#proofEndsAt - Date.now() < this.#proofLastsMs() * PROOF_DUE;
  }

  #proofLastsMs() {
    return Number(this.getAttribute("presence-lasts") ?? 150) * 1000;
  }

  /**
   * Have the card prove to the server that it is still there, without a passcode. It is the page
   * that does this, not the person: it does not count against idleness. Of several pages that ask,
   * the server gives one the ticket.
   */
  async #provePresence() {
    if (!this.#leads || this.#proving || this.#leaving) return;
    if (!this.#bridge.ready || cardIsWorking(this.getAttribute("seat"))) return;
    this.#proving = true;
    try {
      await this.#prove(await this.#seatForProof());
    } catch (error) {
      // busy, or on its way out: asked again, and the server has its own limit
      this.#proveAgain(error);
    } finally {
      this.#proving = false;
    }
  }

  /** @param {string | null} seat where the card is; null when the bridge does not have it */
  async #prove(seat) {
    if (seat === null) {
      this.#leave("bridge-restarted");
      return;
    }
    await introduce(this.#bridge);
    const instance = this.#bridge.hello?.instance;
    const asked = await postJson("/presence", { sid: this.#bridge.hello?.sid, seat }, BY_ITSELF);
    if (asked.location) this.#goTo(asked.location); // the session is over already
    else if (!asked.turn) this.#lasts(asked.json);
    else if (await this.#say(asked.turn)) {
      this.#lasts({ lasts: this.#proofLastsMs() / 1000, seat, bridge: instance });
    }
  }

  /**
   * Where the session's card is: its seat. A bridge that was started again has given it another
   * one, and must read it to know it.
   * @returns {Promise<string | null>}
   */
  async #seatForProof() {
    if (!this.#isOtherBridge()) return this.getAttribute("seat");
    for (const { reader, seat } of this.#bridge.cards()) {
      const { ok } = await this.#bridge.request(Say.READ_CARD, { reader });
      if (ok.guid === this.getAttribute("guid")) return seat;
    }
    return null;
  }

  /** @param {{ticket: string, step: unknown, result_url: string}} turn @returns {Promise<boolean>} */
  async #say({ ticket, step, result_url: resultUrl }) {
    try {
      const { ok } = await this.#bridge.request(Say.STEP, { ticket });
      const body = { step, results: ok.results, receipt: ok.receipt };
      const { json } = await postJson(resultUrl, body, BY_ITSELF);
      return Boolean(json?.done);
    } catch (error) {
      if (error instanceof BridgeError && error.receipt) {
        const said = { code: error.code, ...error.facts };
        await postJson(resultUrl, { step, error: said, receipt: error.receipt }, BY_ITSELF);
      }
      throw error;
    }
  }

  /** @param {unknown} error */
  #proveAgain(error) {
    const busy = error instanceof BridgeError && error.code === "card-busy";
    if (!busy && !(this.#bridge.ready && this.#isOtherBridge())) return; // the next tick asks again
    clearTimeout(this.#againTimer);
    this.#againTimer = window.setTimeout(() => this.#provePresence(), BUSY_AGAIN_MS);
  }

  /**
   * What the server says of the session, or what the last proof has changed.
   * @param {{lasts: number, seat: string, bridge: string} | undefined} said
   */
  #lasts(said) {
    if (!said) return;
    this.#note(said);
    this.#tell({ lasts: said });
    if (this.#bridge.ready) this.#look();
  }

  /** @param {{lasts: number, seat: string, bridge: string}} said */
  #note({ lasts, seat, bridge }) {
    this.#proofEndsAt = Date.now() + lasts * 1000;
    this.setAttribute("seat", seat);
    this.setAttribute("bridge", bridge);
    document.dispatchEvent(new CustomEvent("own-seat")); // <second-reader> looks at the others
  }

  /**
   * The last proof has grown old: the bridge is away, the PC has slept, or another tab brought the
   * next one. The server knows.
   */
  async #askServer() {
    if (this.#asking || cardIsWorking(this.getAttribute("seat"))) return;
    this.#asking = true;
    try {
      const asked = await postJson("/presence", {}, BY_ITSELF);
      if (asked.location) this.#goTo(asked.location);
      else if (asked.json) this.#note({ ...asked.json, lasts: asked.json.lasts + 1 });
    } catch {
      this.#proofEndsAt = Date.now() + ASK_AGAIN_MS;
    } finally {
      this.#asking = false;
    }
  }

  /**
   * The server has ended the session: every tab leaves. The first answer knows why; to whoever asks
   * after it the server only says to sign in.
   * @param {string} address
   */
  #goTo(address) {
    if (this.#leaving) return;
    this.#tell({ over: address });
    this.#follow(address);
  }

  /** @param {string} address */
  #follow(address) {
    this.#leaving = true;
    document.body.setAttribute("inert", "");
    window.location.replace(address);
  }

  #cardRemoved() {
    if (!cardIsWorking(this.getAttribute("seat"))) {
      // work on a user's card stops with the agent's own: it is not waited for
      this.#leave(cardIsWorking() ? "agent-card-removed" : "card-removed");
      return;
    }
    this.#leaving = true;
    const leave = () => {
      clearTimeout(timer);
      this.#leaving = false;
      this.#leave("card-removed-working");
    };
    const timer = setTimeout(leave, LAST_WORDS_MS);
    document.addEventListener("card-step-ended", leave, { once: true });
  }

  /** End the session here, on the server and in every tab. @param {string} reason */
  async #leave(reason) {
    if (this.#leaving) return;
    this.#stopHere(reason);
    this.#tell({ ending: reason });
    if (!(await this.#endOnServer(reason))) return; // another tab is at it, and will tell
    this.#tell({ ended: reason });
    this.#goodbye(reason);
  }

  /** Nothing can be done in this page any more, whoever ends the session. @param {string} reason */
  #stopHere(reason) {
    this.#leaving = true;
    document.body.setAttribute("inert", "");
    setTimeout(() => this.#goodbye(reason), LAST_WORDS_MS);
  }

  /** @param {string} reason @returns {Promise<boolean>} false if another tab does it */
  async #endOnServer(reason) {
    const post = () =>
      fetch("/sign-out", {
        method: "POST",
        headers: { "HX-Request": "true", ...pageHeaders() },
        body: new URLSearchParams({ reason }),
        keepalive: true,
      });
    try {
      if (!navigator.locks) await post();
      else {
        const once = { ifAvailable: true };
        return await navigator.locks.request("session-end", once, async (lock) => {
          if (lock) await post();
          return Boolean(lock);
        });
      }
    } catch {
      // the server ends the session by itself when the card no longer proves its presence
    }
    return true;
  }

  /** @param {string} reason */
  #goodbye(reason) {
    this.#leaving = true;
    window.location.replace(`/signed-out?reason=${encodeURIComponent(reason)}`);
  }

  /**
   * @param {{ending?: string, ended?: string, over?: string, active?: boolean, gone?: boolean,
   *          lasts?: {lasts: number, seat: string, bridge: string}}} message
   */
  #hear(message) {
    if (message.ended) this.#goodbye(message.ended);
    else if (message.over && !this.#leaving) this.#follow(message.over);
    else if (message.lasts) this.#note(message.lasts);
    else if (message.ending && !this.#leaving) this.#stopHere(message.ending);
    else if (message.active) this.#restartClock();
    else if (message.gone !== undefined) this.#showGone(message.gone);
  }

  /** @param {object} message */
  #tell(message) {
    this.#channel.postMessage(message);
  }

  /** @param {boolean} gone */
  #bridgeGone(gone) {
    this.#showGone(gone);
    this.#tell({ gone });
  }

  /** @param {boolean} gone */
  #showGone(gone) {
    const box = this.querySelector("[data-bridge-gone]");
    if (box && box.hidden === gone) box.hidden = !gone;
  }

  /**
   * The server has just heard from this tab, or will as soon as the card has answered: the idle
   * time starts again in all of them.
   */
  #active() {
    this.#restartClock();
    this.#tell({ active: true });
  }

  #restartClock() {
    this.#endsAt = Date.now() + Number(this.getAttribute("idle-seconds") ?? 900) * 1000;
    const dialog = this.#dialog();
    if (dialog?.open) dialog.close();
  }

  #watchClock() {
    if (this.#leaving) return;
    if (cardIsWorking()) this.#active(); // whoever waits for a card is not away, in no tab
    const left = this.#endsAt - Date.now();
    if (left <= 0) {
      this.#leave("idle");
      return;
    }
    if (this.#proofEndsAt <= Date.now()) this.#askServer();
    const warning = Number(this.getAttribute("warning-seconds") ?? 120) * 1000;
    const dialog = this.#dialog();
    if (dialog && !dialog.open && left <= warning) dialog.showModal();
  }

  /** @returns {HTMLDialogElement | null} */
  #dialog() {
    return this.querySelector("dialog");
  }

  async #stay() {
    const response = await fetch("/stay-signed-in", {
      method: "POST",
      headers: { "HX-Request": "true", ...pageHeaders() },
    }).catch(() => null);
    if (response?.ok) this.#active();
    else this.#leave("idle");
  }
}

customElements.define("session-guard", SessionGuard);

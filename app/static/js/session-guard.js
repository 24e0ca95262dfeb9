/**
 * <session-guard>: the session belongs to the card in the reader. It has the attribute `watching`
 * in the tab that sees the reader.
 *
 * One tab of a browser watches the reader (a Web Lock decides which); all tabs hear of a removal at
 * once over a BroadcastChannel and leave. The server ends the session by itself as well; this is
 * what makes it quick.
 */

import { Said, Say, State, theBridge } from "./bridge-client.js";
import { cardIsWorking } from "./card-step.js";
import { introduce, pageHeaders, postJson } from "./server.js";

/** How long the bridge may be away before the person is told. */
const GRACE_MS = 10_000;
/** The card is asked to prove its presence when less than this is left of its last proof. */
const PROOF_DUE_MS = 100_000;
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
  #clock = 0;
  #release = () => {};

  connectedCallback() {
    this.#channel.onmessage = ({ data }) => this.#hear(data);
    this.#bridge.addEventListener("change", () => this.#look());
    this.#bridge.addEventListener("said", (event) => {
      const said = /** @type {CustomEvent} */ (event).detail.event;
      if (said === Said.TICK || said === Said.READY) this.#provePresence();
    });
    document.addEventListener("htmx:after:request", () => this.#active());
    document.addEventListener("card-step-ended", () => this.#active());
    for (const form of document.querySelectorAll("form[data-sign-out]")) {
      form.addEventListener("submit", () => this.#tell({ ended: "signed-out" }));
    }
    this.querySelector("[data-stay]")?.addEventListener("click", () => this.#stay());
    this.#active();
    this.#clock = window.setInterval(() => this.#watchClock(), 1000);
    this.#lead();
  }

  /** Have the card prove its presence without waiting until it is due. */
  proveNow() {
    this.#proofEndsAt = 0;
    return this.#provePresence();
  }

  disconnectedCallback() {
    clearInterval(this.#clock);
    clearTimeout(this.#graceTimer);
    this.#channel.close();
    this.#release();
  }

  /** Wait to become the tab that watches. Without Web Locks every tab watches for itself. */
  #lead() {
    const watch = () =>
      new Promise((resolve) => {
        this.#release = () => resolve(undefined);
        this.#leads = true;
        this.#bridge.start();
        this.#look();
        this.#provePresence();
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
    const seat = this.getAttribute("seat") ?? "";
    if (this.#bridge.hello?.instance !== this.getAttribute("bridge")) this.#leave("bridge-restarted");
    else if (!this.#bridge.holds(seat)) this.#cardRemoved();
  }

  /**
   * Have the card prove to the server that it is still there, without a passcode. It is the page
   * that does this, not the person: it does not count against idleness.
   */
  async #provePresence() {
    const due = this.#proofEndsAt - Date.now() < PROOF_DUE_MS;
    if (!due || !this.#leads || this.#proving || this.#leaving) return;
    if (!this.#bridge.ready || cardIsWorking()) return;
    this.#proving = true;
    try {
      await introduce(this.#bridge);
      const asked = await postJson("/presence", { sid: this.#bridge.hello?.sid }, BY_ITSELF);
      if (asked.location) this.#goTo(asked.location); // the session is over already
      if (!asked.turn) return;
      const { ticket, step, result_url: resultUrl } = asked.turn;
      const { ok } = await this.#bridge.request(Say.STEP, { ticket });
      await postJson(resultUrl, { step, results: ok.results, receipt: ok.receipt }, BY_ITSELF);
      this.#proofEndsAt = Date.now() + Number(this.getAttribute("presence-lasts")) * 1000;
    } catch {
      // busy, or on its way out: the next tick asks again, and the server has its own limit
    } finally {
      this.#proving = false;
    }
  }

  /** @param {string} address */
  #goTo(address) {
    this.#leaving = true;
    window.location.assign(address);
  }

  #cardRemoved() {
    if (!cardIsWorking()) {
      this.#leave("card-removed");
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
    window.location.replace(`/signed-out?reason=${encodeURIComponent(reason)}`);
  }

  /** @param {{ending?: string, ended?: string, active?: boolean, gone?: boolean}} message */
  #hear(message) {
    if (message.ended) this.#goodbye(message.ended);
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

  /** The server has just heard from this tab, so the idle time starts again in all of them. */
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
    const left = this.#endsAt - Date.now();
    if (left <= 0) {
      this.#leave("idle");
      return;
    }
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

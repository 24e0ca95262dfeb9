/**
 * <card-step>: one card operation, from the typed passcode to the server's last word.
 *
 * It fetches a ticket, hands it with the passcode to the bridge, posts the bridge's answer, and
 * does what the server answers: another ticket, another page, or a fragment that replaces the
 * surrounding [data-card-operation]. The next step is always what the server sent.
 */

import { BridgeError, Say, theBridge } from "./bridge-client.js";
import { LostServer, introduce, postJson } from "./server.js";
import { showFragment } from "./regions.js";

/** How long a person waits for the bridge before being told that it is not there. */
const BRIDGE_MS = 4000;

/**
 * The progress is shown after so long, and changes no oftener than that. A fast card is done before
 * a person could read of it, and drawing each of its stages would take longer than the card.
 */
const SHOWN_AFTER_MS = 250;
const SHOWN_EVERY_MS = 100;

/** How often a result is brought to a server that does not answer: after so many ms once more. */
const AGAIN_MS = [500, 2000, 5000];

/**
 * @typedef {{passcode?: string, new_passcode?: string}} Secrets
 * @typedef {{ticket: string, step: unknown, result_url: string, stages?: string[]}} Turn
 */

/**
 * The card operations of this page that are talking to a card right now, each with the seat of that
 * card once it is known.
 * @type {Map<CardStep, string | null>}
 */
const running = new Map();

/**
 * @param {string | null} [seat] of the card that is asked about; without it, any
 * @returns {boolean} whether a card operation of this page is under way, with that card
 */
export const cardIsWorking = (seat = null) =>
  [...running.values()].some((at) => seat === null || at === null || at === seat);

export class CardStep extends HTMLElement {
  #busy = false;
  /** Whether the server was lost: what came of the last passcode, nobody here has heard. */
  #unheard = false;
  /** @type {HTMLElement | null} */ #problem = null;
  /** @type {Set<string>} the stages of this step that the person is told of; none named: all */
  #told = new Set();
  /** @type {(() => void)[]} what is to be shown next, in order */ #coming = [];
  #showTimer = 0;
  /** Whether the progress is on screen. */ #shown = false;

  connectedCallback() {
    this.addEventListener("submit", (event) => this.#submit(event));
  }

  /** @param {SubmitEvent} event */
  #submit(event) {
    event.preventDefault();
    if (this.#busy) return;
    this.#clearProblems();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const fields = Object.fromEntries(new FormData(form, event.submitter));
    const secrets = this.#takeSecrets(form);
    if (!secrets || this.#looksAgain()) return;
    this.#run(fields, secrets);
  }

  /**
   * Where the page says which of two passcodes to use, and the card may have refused that unheard,
   * the page reads the card once more before a passcode is tried: it may have another word then.
   * @returns {boolean}
   */
  #looksAgain() {
    const region = this.closest("[data-card-operation]");
    /** @type {({lookAgain: () => void} & HTMLElement) | null} */
    const page = this.closest("sign-in-card");
    if (!this.#unheard || !page || !region?.querySelector("[data-use]")) return false;
    page.lookAgain();
    return true;
  }

  /**
   * Read the nameless passcode fields and empty them at once.
   * @param {HTMLFormElement} form @returns {Secrets | null} null when one is missing or differs
   */
  #takeSecrets(form) {
    const names = ["passcode", "new-passcode", "new-passcode-again"];
    const inputs = names.map(
      (name) => /** @type {HTMLInputElement | null} */ (form.querySelector(`[data-${name}]`)),
    );
    const [current, wanted, again] = inputs;
    const missing = inputs.findIndex((input) => input?.value === "");
    if (missing >= 0) {
      this.#fieldProblem(inputs[missing], `missing-${names[missing]}`);
      return null;
    }
    const values = inputs.map((input) => input?.value);
    for (const input of inputs) if (input) input.value = "";
    if (again && values[1] !== values[2]) {
      this.#fieldProblem(again, "new-passcodes-differ");
      return null;
    }
    /** @type {Secrets} */ const secrets = {};
    if (current) secrets.passcode = values[0];
    if (wanted) secrets.new_passcode = values[1];
    return secrets;
  }

  /** @param {object} fields @param {Secrets} secrets */
  async #run(fields, secrets) {
    this.#busy = true;
    running.set(this, null);
    this.setAttribute("aria-busy", "true");
    document.dispatchEvent(new CustomEvent("card-step-began"));
    try {
      await this.#converse(fields, secrets);
    } catch (error) {
      this.#stop(error);
    } finally {
      running.delete(this);
      // Of the document: what came of it may have taken this element's place by now
      document.dispatchEvent(new CustomEvent("card-step-ended"));
    }
  }

  /** @param {object} fields @param {Secrets} secrets */
  async #converse(fields, secrets) {
    const bridge = theBridge();
    if (!(await bridge.connected(BRIDGE_MS))) throw new BridgeError("no-bridge");
    const meant = this.#place()?.seat ?? this.#ownSeat() ?? this.getAttribute("seat");
    const seat = meant ?? bridge.cards()[0]?.seat;
    if (!seat || !bridge.holds(seat)) throw new BridgeError("no-card");
    running.set(this, seat);
    const reading = this.hasAttribute("with-reading") ? await this.#place()?.readAgain() : null;
    await introduce(bridge);
    let answer = await postJson(this.getAttribute("start-url"), {
      ...fields,
      sid: bridge.hello?.sid,
      seat,
      card: this.getAttribute("card") || null,
      ...(reading ? { reading } : {}),
    });
    this.#soon(() => this.#showProgress());
    while (answer.turn) {
      const result = await this.#work(bridge, answer.turn, secrets);
      secrets = {};
      answer = await this.#bring(answer.turn.result_url, result);
    }
    this.#finish(answer);
  }

  /**
   * Bring a result to the server. However often it is brought it counts once, so that a server
   * or a network that is away for a moment stops nothing.
   * @param {string} url @param {object} result
   * @returns {Promise<import("./server.js").Answer>}
   */
  async #bring(url, result) {
    for (const wait of AGAIN_MS) {
      try {
        return await postJson(url, result);
      } catch (error) {
        if (!(error instanceof LostServer) || error.word !== "no-server") throw error;
        await new Promise((done) => setTimeout(done, wait));
      }
    }
    return postJson(url, result);
  }

  /**
   * The reader whose card this is about, where that is not the one that is signed in with.
   * @returns {{seat: string | null, readAgain: () => Promise<object | null>} & HTMLElement | null}
   */
  #place() {
    return this.closest("second-reader");
  }

  /**
   * A bridge that was started again has given the card of this session another seat than the page
   * came with; <session-guard> has found it there.
   * @returns {string | null} the seat of that card, where this step is about it
   */
  #ownSeat() {
    const guard = document.querySelector("session-guard");
    if (!guard || guard.getAttribute("guid") !== this.getAttribute("card")) return null;
    return guard.getAttribute("seat");
  }

  /**
   * Have the bridge do one step. A refusal is an answer too: the server decides what follows.
   * @param {import("./bridge-client.js").BridgeClient} bridge @param {Turn} turn
   * @param {Secrets} secrets
   */
  async #work(bridge, turn, secrets) {
    const { step } = turn;
    this.#soon(() => this.#expect(turn.stages ?? []));
    const reached = (/** @type {string} */ stage) => this.#soon(() => this.#reached(stage));
    try {
      const fields = { ticket: turn.ticket, ...secrets };
      const { ok } = await bridge.request(Say.STEP, fields, reached);
      return { step, results: ok.results, receipt: ok.receipt };
    } catch (error) {
      if (!(error instanceof BridgeError)) throw error;
      const known = error.code === "bridge-gone" ? "failed" : error.code;
      const facts = { code: known, ...error.facts };
      if (known !== error.code) facts.reason = error.code;
      return { step, error: facts, receipt: error.receipt };
    }
  }

  /** @param {import("./server.js").Answer} answer */
  #finish(answer) {
    this.#showNoMore();
    if (answer.location) {
      // A page whose session has just been ended is led away by the one who ended it.
      if (!document.body.hasAttribute("inert")) window.location.assign(answer.location);
      return; // stays busy: the page is leaving
    }
    if (answer.refused) this.#letGo();
    const region = this.closest("[data-card-operation]") ?? this;
    showFragment(region, answer.html ?? "");
  }

  /** No card waits, and no passcode is kept, for a server that sends no further step. */
  #letGo() {
    theBridge().request(Say.CANCEL, {}).catch(() => {});
  }

  /** @param {unknown} error */
  #stop(error) {
    this.#showNoMore();
    this.#busy = false;
    if (error instanceof LostServer) {
      this.#unheard = true;
      this.#letGo();
    }
    this.removeAttribute("aria-busy");
    this.querySelector("[data-progress]")?.setAttribute("hidden", "");
    this.querySelector("form")?.removeAttribute("hidden");
    if (error instanceof BridgeError) this.#say(error.code);
    else if (error instanceof LostServer) this.#say(error.word, error.html);
    else {
      this.#say("failed");
      console.error(error);
    }
  }

  /** @param {() => void} show what happens to the page, together with all that comes meanwhile */
  #soon(show) {
    this.#coming.push(show);
    const wait = this.#shown ? SHOWN_EVERY_MS : SHOWN_AFTER_MS;
    this.#showTimer ||= window.setTimeout(() => {
      this.#showTimer = 0;
      this.#shown = true;
      this.#coming.splice(0).forEach((each) => each());
    }, wait);
  }

  #showNoMore() {
    clearTimeout(this.#showTimer);
    this.#showTimer = 0;
    this.#shown = false;
    this.#coming = [];
  }

  #showProgress() {
    const progress = this.querySelector("[data-progress]");
    this.querySelector("form")?.setAttribute("hidden", "");
    progress?.removeAttribute("hidden");
    progress?.querySelector("[data-progress-heading]")?.focus();
  }

  /**
   * A step that names no stages leaves the list as it is.
   * @param {string[]} stages those of this step that the person is told of, in order
   */
  #expect(stages) {
    this.#told = new Set(stages);
    stages.forEach((stage) => this.#stageItem(stage));
  }

  /** @param {string} stage the bridge has begun it, so all before it is done */
  #reached(stage) {
    if (this.#told.size && !this.#told.has(stage)) return;
    const item = this.#stageItem(stage);
    const list = item?.parentElement;
    if (!item || !list) return;
    for (const other of list.children) {
      if (other.hasAttribute("aria-current")) {
        other.removeAttribute("aria-current");
        other.classList.add("card-progress__stage--done");
      }
    }
    item.classList.remove("card-progress__stage--done");
    item.setAttribute("aria-current", "step");
  }

  /** @param {string} stage @returns {HTMLElement | null} its line in the list, added where missing */
  #stageItem(stage) {
    const list = this.querySelector("[data-stages]");
    const open = list?.querySelector(`[data-stage="${stage}"]:not(.card-progress__stage--done)`);
    if (open) return /** @type {HTMLElement} */ (open);
    const words = this.#template("data-words")?.querySelector(`[data-stage="${stage}"]`);
    if (!list || !words) return null;
    return /** @type {HTMLElement} */ (list.appendChild(words.cloneNode(true)));
  }

  /** @param {string} name @returns {DocumentFragment | undefined} */
  #template(name) {
    return /** @type {HTMLTemplateElement | null} */ (this.querySelector(`template[${name}]`))
      ?.content;
  }

  /**
   * Put the server's words, or one of the page's sentences, where the person looks.
   * @param {string} word @param {string} [html]
   */
  #say(word, html) {
    const words = this.#template("data-words");
    const sentence =
      words?.querySelector(`[data-word="${word}"]`) ?? words?.querySelector('[data-word="failed"]');
    this.#problem = document.createElement("div");
    this.#problem.tabIndex = -1;
    if (html) this.#problem.innerHTML = html;
    else if (sentence) this.#problem.append(sentence.cloneNode(true));
    this.prepend(this.#problem);
    this.#problem.focus();
  }

  /** @param {HTMLInputElement} input @param {string} word */
  #fieldProblem(input, word) {
    const sentence = this.#template("data-words")?.querySelector(`[data-word="${word}"]`);
    const group = input.closest(".nhsuk-form-group");
    if (!sentence || !group) return;
    const message = /** @type {HTMLElement} */ (sentence.cloneNode(true));
    message.id = `${input.id}-error`;
    group.classList.add("nhsuk-form-group--error");
    const before = group.querySelector(".nhsuk-password-input, .nhsuk-input-wrapper, input");
    before?.before(message);
    input.classList.add("nhsuk-input--error");
    input.setAttribute("aria-invalid", "true");
    const described = input.getAttribute("aria-describedby") ?? "";
    input.setAttribute("aria-describedby", `${described} ${message.id}`.trim());
    input.focus();
  }

  /** What was wrong with the last try, in the page's words or the server's, is wrong no longer. */
  #clearProblems() {
    this.#problem?.remove();
    this.#problem = null;
    const region = this.closest("[data-card-operation]") ?? this;
    for (const old of region.querySelectorAll(".card-problem, .nhsuk-error-message")) {
      const input = old.id && this.querySelector(`[aria-describedby~="${CSS.escape(old.id)}"]`);
      if (input) undescribe(input, old.id);
      old.remove();
    }
    for (const input of this.querySelectorAll(".nhsuk-input--error")) {
      input.classList.remove("nhsuk-input--error");
      input.removeAttribute("aria-invalid");
      input.closest(".nhsuk-form-group")?.classList.remove("nhsuk-form-group--error");
    }
  }
}

/** @param {Element} input @param {string} id */
function undescribe(input, id) {
  const others = input.getAttribute("aria-describedby")?.split(" ").filter((each) => each !== id);
  if (others?.length) input.setAttribute("aria-describedby", others.join(" "));
  else input.removeAttribute("aria-describedby");
}

customElements.define("card-step", CardStep);

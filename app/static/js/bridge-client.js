/**
 * The page's half of the conversation with the reader bridge: finds it, keeps the connection, and
 * matches answers to requests. `reader_bridge/contract.py` is its counterpart; a test holds the
 * names against each other. It decides nothing and keeps no passcode.
 */

import { decodePayload, findBridge } from "./bridge-search.js";

export const VERSION = "1";

/** What a page may ask. */
export const Say = Object.freeze({
  READ_CARD: "read-card",
  STEP: "step",
  CANCEL: "cancel",
  DESK: "desk",
});

/** What the bridge says unasked. */
export const Said = Object.freeze({
  HELLO: "hello",
  READER_ADDED: "reader-added",
  READER_REMOVED: "reader-removed",
  CARD_INSERTED: "card-inserted",
  CARD_REMOVED: "card-removed",
  CARD_BUSY: "card-busy",
  READERS_UNAVAILABLE: "readers-unavailable",
  READY: "ready",
  TICK: "tick",
});

/** Where the connection stands; each has its words in a template of the page. */
export const State = Object.freeze({
  SEARCHING: "searching",
  NOT_RUNNING: "not-running",
  REFUSED: "browser-refused",
  BLOCKED: "policy-blocked",
  TOO_MANY: "too-many",
  CONNECTED: "connected",
});

/** Longest silence of the bridge inside one request: a key generation and some. */
const SILENCE_MS = 100_000;
const RETRY_MS = [250, 500, 1000, 2000, 3000];

/**
 * @typedef {{reader: string, virtual: boolean, seat: string | null, busy: boolean}} Reader
 * @typedef {{sid: string, instance: string, name: string, version: string, capabilities: string[]}} Hello
 * @typedef {{resolve: (message: object) => void, reject: (error: Error) => void,
 *            onProgress?: (stage: string) => void, timer: number}} Waiting
 */

/** An answer that says no: a code of the contract, its facts, and the receipt if a card was touched. */
export class BridgeError extends Error {
  /** @param {string} code @param {object} facts @param {string | null} receipt */
  constructor(code, facts = {}, receipt = null) {
    super(code);
    this.code = code;
    this.facts = facts;
    this.receipt = receipt;
  }
}

/**
 * One connection to the bridge, found again whenever it is lost.
 *
 * Fires `change` when the state, a reader or a card changes, and `said` with each event of the
 * bridge as its detail.
 */
export class BridgeClient extends EventTarget {
  /** @type {string} */ state = State.SEARCHING;
  /** @type {Map<string, Reader>} */ readers = new Map();
  /** @type {Hello | null} */ hello = null;
  /** @type {string | null} the JWS as the bridge sent it, for the server */ signedHello = null;
  /** Whether all readers and cards present at connecting have been named. */ ready = false;
  /** Whether the bridge found no smartcard service on this PC. */ unavailable = false;

  /** @type {WebSocket | null} */ #socket = null;
  #searching = false;
  /** @type {Map<number, Waiting>} */ #waiting = new Map();
  #lastId = 0;
  #failures = 0;
  #started = false;
  #closed = false;
  #retryTimer = 0;

  /** @param {number} firstPort the first port of the range the bridge may listen on */
  constructor(firstPort) {
    super();
    this.firstPort = firstPort;
  }

  /** Look for the bridge until it is found; does nothing when already looking. */
  start() {
    if (this.#started) return;
    this.#started = true;
    this.#closed = false;
    this.#search();
  }

  /** End the connection for good (a page that comes back from the browser's cache starts anew). */
  close() {
    this.#closed = true;
    this.#started = false;
    clearTimeout(this.#retryTimer);
    this.#socket?.close();
    this.#lost();
  }

  /** Look again at once instead of waiting for the next turn. */
  retryNow() {
    if (!this.#started || this.#socket || this.#closed) return;
    clearTimeout(this.#retryTimer);
    this.#failures = 0;
    this.#search();
  }

  /** @returns {Reader[]} the readers that hold a card */
  cards() {
    return [...this.readers.values()].filter((reader) => reader.seat !== null);
  }

  /** @param {string} seat @returns {boolean} */
  holds(seat) {
    return this.cards().some((reader) => reader.seat === seat);
  }

  /**
   * Wait until the bridge is connected and has named its readers.
   * @param {number} ms @returns {Promise<boolean>} false when that did not happen in time
   */
  async connected(ms) {
    this.start();
    this.retryNow();
    if (this.ready) return true;
    return new Promise((resolve) => {
      const finish = (/** @type {boolean} */ value) => {
        clearTimeout(timer);
        this.removeEventListener("change", look);
        resolve(value);
      };
      const look = () => this.ready && finish(true);
      const timer = setTimeout(() => finish(false), ms);
      this.addEventListener("change", look);
    });
  }

  /**
   * Ask the bridge and wait for its answer.
   * @param {string} command one of Say
   * @param {{reader?: string, [name: string]: unknown}} fields
   * @param {(stage: string) => void} [onProgress]
   * @returns {Promise<{ok: object, receipt: string | null}>}
   * @throws {BridgeError} with the bridge's code, or `bridge-gone` when the connection was lost
   */
  request(command, fields, onProgress) {
    const socket = this.#socket;
    if (!socket || socket.readyState !== WebSocket.OPEN) {
      return Promise.reject(new BridgeError("bridge-gone", { outcome: "none" }));
    }
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = this.#silenceTimer(id);
      const done = (/** @type {{ok: object, receipt: string | null}} */ answer) => {
        if (command === Say.READ_CARD) this.#free(fields.reader);
        resolve(answer);
      };
      this.#waiting.set(id, { resolve: done, reject, onProgress, timer });
      socket.send(JSON.stringify({ id, command, ...fields }));
    });
  }

  /** The card was read, so that no other program holds it. @param {string} reader */
  #free(reader) {
    const known = this.readers.get(reader);
    if (!known?.busy) return;
    known.busy = false;
    this.dispatchEvent(new CustomEvent("change"));
  }

  /** @param {number} id */
  #silenceTimer(id) {
    return window.setTimeout(() => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      waiting?.reject(new BridgeError("bridge-gone", { outcome: "unknown" }));
    }, SILENCE_MS);
  }

  /** One search at a time: two would find two connections, and tickets are for one of them. */
  async #search() {
    if (this.#searching) return;
    this.#searching = true;
    const found = await findBridge(this.firstPort, this.#failures, VERSION).finally(() => {
      this.#searching = false;
    });
    if (this.#closed) {
      found.socket?.close();
      return;
    }
    if (found.socket) {
      this.#keep(found.socket, found.hello, found.early);
      return;
    }
    this.#become(found.state);
    this.#later();
  }

  #later() {
    const wait = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)];
    this.#failures += 1;
    this.#retryTimer = window.setTimeout(() => this.#search(), wait);
  }

  /** @param {WebSocket} socket @param {{hello: string}} greeting @param {string[]} early */
  #keep(socket, greeting, early) {
    this.#failures = 0;
    this.#socket = socket;
    this.signedHello = greeting.hello;
    this.hello = /** @type {Hello} */ (decodePayload(greeting.hello));
    socket.onmessage = (message) => this.#hear(message.data);
    socket.onclose = () => {
      if (this.#socket !== socket) return;
      this.#lost();
      if (!this.#closed) {
        this.#become(State.SEARCHING);
        this.#later();
      }
    };
    this.#become(State.CONNECTED);
    early.forEach((text) => this.#hear(text));
    if (socket.readyState !== WebSocket.OPEN) socket.onclose(new CloseEvent("close"));
  }

  #lost() {
    this.#socket = null;
    this.hello = null;
    this.signedHello = null;
    this.ready = false;
    this.unavailable = false;
    this.readers.clear();
    for (const waiting of this.#waiting.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(new BridgeError("bridge-gone", { outcome: "unknown" }));
    }
    this.#waiting.clear();
  }

  /** @param {string} state */
  #become(state) {
    this.state = state;
    this.dispatchEvent(new CustomEvent("change"));
  }

  /** @param {string} text */
  #hear(text) {
    const message = JSON.parse(text);
    if ("re" in message) this.#answer(message);
    else if ("event" in message) this.#said(message);
  }

  /** @param {{re: number, ok?: object, error?: {code: string}, progress?: {stage: string}, receipt?: string}} message */
  #answer(message) {
    const waiting = this.#waiting.get(message.re);
    if (!waiting) return;
    clearTimeout(waiting.timer);
    if (message.progress) {
      waiting.timer = this.#silenceTimer(message.re);
      waiting.onProgress?.(message.progress.stage);
      return;
    }
    this.#waiting.delete(message.re);
    const receipt = message.receipt ?? message.ok?.receipt ?? null;
    if (message.error) {
      const { code, ...facts } = message.error;
      waiting.reject(new BridgeError(code, facts, receipt));
    } else {
      waiting.resolve({ ok: message.ok ?? {}, receipt });
    }
  }

  /** @param {{event: string, reader?: string, seat?: string, virtual?: boolean}} message */
  #said(message) {
    const known = this.readers.get(message.reader ?? "");
    switch (message.event) {
      case Said.READER_ADDED:
        this.unavailable = false;
        this.readers.set(message.reader, {
          reader: message.reader,
          virtual: Boolean(message.virtual),
          seat: known?.seat ?? null,
          busy: false,
        });
        break;
      case Said.READER_REMOVED:
        this.readers.delete(message.reader);
        break;
      case Said.CARD_INSERTED:
        this.readers.set(message.reader, {
          reader: message.reader,
          virtual: known?.virtual ?? false,
          seat: message.seat,
          busy: false,
        });
        break;
      case Said.CARD_REMOVED:
        if (known && known.seat === message.seat) known.seat = null;
        break;
      case Said.CARD_BUSY:
        if (known) known.busy = true;
        break;
      case Said.READERS_UNAVAILABLE:
        this.unavailable = true; // each reader that went with it is named by an event of its own
        break;
      case Said.READY:
        this.ready = true;
        break;
    }
    this.dispatchEvent(new CustomEvent("said", { detail: message }));
    this.dispatchEvent(new CustomEvent("change"));
  }
}

/** @type {BridgeClient | null} */
let pageBridge = null;

/** The one connection that all parts of this page share. */
export function theBridge() {
  if (!pageBridge) {
    const meta = document.querySelector('meta[name="bridge-port"]');
    const client = new BridgeClient(Number(meta?.getAttribute("content")));
    window.addEventListener("pagehide", () => client.close());
    window.addEventListener("pageshow", (event) => event.persisted && window.location.reload());
    pageBridge = client;
  }
  return pageBridge;
}

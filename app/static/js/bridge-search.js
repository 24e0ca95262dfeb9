/**
 * Finding the bridge among its ten ports, and telling why it cannot be found.
 *
 * Chromium holds back websockets after failed ones: ten attempts at dead ports delay the next
 * by up to five seconds. So dead ports are sorted out by plain requests, which fail at once and are
 * not held back, and a websocket is opened only where something listens. The first port, or the one
 * that worked last in this page, is tried before all of that.
 */

export const HOST = "127.0.0.1";
export const PORTS = 10;
export const PATH = "/v1";
export const SUBPROTOCOL = "reader-bridge.v1";

/** How long a port may take to say hello; longer once a browser may hold back our attempts. */
const PATIENCE_MS = 1500;
const PATIENCE_AFTER_FAILURES_MS = 6000;

/** @type {number | null} the port at which this page has met the bridge */
let lastPort = null;

/** Whether this page's own policy forbade a websocket to the bridge. */
let blockedByPolicy = false;
document.addEventListener("securitypolicyviolation", (event) => {
  if (event.blockedURI.startsWith("ws://")) blockedByPolicy = true;
});

/**
 * @typedef {{event: string, version: string, hello: string}} Greeting
 * @typedef {{socket: WebSocket, hello: Greeting, early: string[]}} Found
 * @typedef {{socket: null, state: string}} NotFound
 */

/**
 * Look once for a bridge that says hello in this page's version.
 * @param {number} firstPort
 * @param {number} failures how many searches have failed before this one
 * @param {string} version
 * @returns {Promise<Found | NotFound>}
 */
export async function findBridge(firstPort, failures, version) {
  const ports = Array.from({ length: PORTS }, (_, index) => firstPort + index);
  const known = lastPort ?? firstPort;
  const patience = failures ? PATIENCE_AFTER_FAILURES_MS : PATIENCE_MS;
  let full = false;
  for (const likely of [async () => (failures ? [] : [known]), () => listening(ports, known)]) {
    for (const port of await likely()) {
      const found = await greet(port, version, patience);
      if (found.socket) {
        lastPort = port;
        return found;
      }
      full ||= found.full;
    }
  }
  return { socket: null, state: full ? "too-many" : await reason() };
}

/**
 * Open one websocket and wait for the bridge's first words.
 * @param {number} port @param {string} version @param {number} patience
 * @returns {Promise<Found | {socket: null, full: boolean}>}
 */
function greet(port, version, patience) {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://${HOST}:${port}${PATH}`, SUBPROTOCOL);
    /** @type {Greeting | null} */ let hello = null;
    /** @type {string[]} */ const early = [];
    const fail = (full = false) => {
      clearTimeout(timer);
      socket.onmessage = socket.onclose = socket.onerror = null;
      socket.close();
      resolve({ socket: null, full });
    };
    const timer = setTimeout(fail, patience);
    socket.onclose = () => fail();
    socket.onerror = () => fail();
    socket.onmessage = (message) => {
      if (hello) {
        early.push(message.data); // said before the client took over
        return;
      }
      const said = JSON.parse(message.data);
      if (said.event !== "hello" || said.version !== version) {
        fail(said.error?.code === "too-many");
        return;
      }
      hello = said;
      clearTimeout(timer);
      socket.onerror = null;
      resolve({ socket, hello, early });
    };
  });
}

/**
 * The ports at which something answers plain HTTP, the known one first.
 * @param {number[]} ports @param {number} known @returns {Promise<number[]>}
 */
async function listening(ports, known) {
  const answers = await Promise.all(ports.map(answersAtAll));
  const live = ports.filter((_, index) => answers[index]);
  return live.sort((a, b) => Number(b === known) - Number(a === known));
}

/** @param {number} port @returns {Promise<boolean>} */
async function answersAtAll(port) {
  try {
    await fetch(`http://${HOST}:${port}${PATH}`, {
      mode: "no-cors",
      cache: "no-store",
      credentials: "omit",
      referrerPolicy: "no-referrer",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    return true;
  } catch {
    return false;
  }
}

/** Why no bridge was found, as far as the browser tells. */
async function reason() {
  if (blockedByPolicy) return "policy-blocked";
  return (await permission())?.state === "denied" ? "browser-refused" : "not-running";
}

/**
 * What the browser says of this page's permission to reach programs on the PC.
 * @returns {Promise<PermissionStatus | null>} null where it knows no such permission
 */
export async function permission() {
  for (const name of ["loopback-network", "local-network-access"]) {
    try {
      return await navigator.permissions.query({ name });
    } catch {
      continue; // this browser does not know the permission under that name
    }
  }
  return null;
}

/**
 * The claims of a signed message, read but not believed: the server checks the signature.
 * @param {string} jws @returns {object}
 */
export function decodePayload(jws) {
  const part = jws.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
  const bytes = Uint8Array.from(atob(part), (char) => char.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

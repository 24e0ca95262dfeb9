/** What the page's scripts post to the server, and how its answers are told apart. */

/**
 * @typedef {{turn?: {ticket: string, step: unknown, result_url: string,
 *            stages?: string[]}, location?: string,
 *            html?: string, refused?: boolean, json?: object}} Answer
 */

/** The server could not be reached, or said no to more than this one step. */
export class LostServer extends Error {
  /**
   * @param {string} word the sentence of the page that says so
   * @param {string} html the server's own words, where it sent any
   */
  constructor(word, html = "") {
    super(word);
    this.word = word;
    this.html = html;
  }
}

const TIMEOUT_MS = 15_000;
const AWAY = [502, 503, 504]; // what a balancer says of a server that is not there

/** @returns {Record<string, string>} the headers that htmx sends too, with the CSRF token */
export function pageHeaders() {
  return JSON.parse(document.body.getAttribute("hx-headers:inherited") ?? "{}");
}

/**
 * Post JSON and sort the answer: the next ticket, a page to go to, or a fragment to show.
 * @param {string} url @param {object} body @param {Record<string, string>} [headers]
 * @returns {Promise<Answer>}
 * @throws {LostServer}
 */
export async function postJson(url, body, headers = {}) {
  const response = await reach(url, body, headers);
  const redirect = response.headers.get("HX-Redirect");
  if (redirect) return { location: redirect };
  if (response.redirected) return { location: response.url };
  const type = response.headers.get("Content-Type") ?? "";
  if (type.startsWith("application/json")) {
    if (!response.ok) throw new LostServer("failed");
    const json = await response.json();
    if (json.location) return { location: json.location };
    return json.ticket ? { turn: json } : { json };
  }
  const html = await response.text();
  if (/<html[\s>]/i.test(html)) throw new LostServer("failed");
  const replaces = response.ok || response.status === 409 || response.status === 422;
  if (!replaces) throw new LostServer("failed", html);
  return { html, refused: response.status === 409 };
}

/**
 * @param {string} url @param {object} body @param {Record<string, string>} headers
 * @returns {Promise<Response>}
 */
async function reach(url, body, headers) {
  let response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "Accept": "text/html", // so that a refusal comes in words; tickets are JSON anyway
        "HX-Request": "true",
        ...pageHeaders(),
        ...headers,
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new LostServer("no-server");
  }
  if (AWAY.includes(response.status)) throw new LostServer("no-server");
  return response;
}

/** @type {{sid: string, done: Promise<void>} | null} the connection that the server is told of */
let introduction = null;

/**
 * Tell the server of this page's connection, once: it mints tickets for known ones only, and their
 * time counts from this hello. So `app.js` does it as soon as the bridge is connected.
 * @param {import("./bridge-client.js").BridgeClient} bridge
 * @returns {Promise<void>}
 */
export async function introduce(bridge) {
  const { signedHello, hello } = bridge;
  if (!hello) return;
  if (introduction?.sid !== hello.sid) {
    const done = postJson("/bridge/hello", { hello: signedHello }).then(({ html }) => {
      if (html) throw new LostServer("failed", html); // it refuses this PC, and says why
    });
    introduction = { sid: hello.sid, done };
    done.catch(() => {
      if (introduction?.sid === hello.sid) introduction = null;
    });
  }
  await introduction.done;
}

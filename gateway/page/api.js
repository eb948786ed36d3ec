// The few REST calls of the page. Addresses are relative, so that the gateway may live below a path of a proxy.

const TIMEOUT_MS = 15_000;
const PAGE = 25;

/** The gateway's refusal; `status` 0 means that it could not be reached, with `code` "not_there" that another answered. */
export class Refusal extends Error {
  constructor(status, code, message, retryAfterS) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterS = retryAfterS;
  }
}

function address(path) {
  return new URL(`api/v1/${path}`, document.baseURI);
}

export function liveAddress() {
  const url = address("live");
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

async function call(method, path, { token, body } = {}) {
  const headers = { Accept: "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(address(path), {
      method,
      headers,
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      cache: "no-store",
      credentials: "same-origin",
    });
  } catch (failure) {
    throw new Refusal(0, "unreachable", String(failure), null);
  }
  const content = await answer.json().catch(() => null);
  if (isOfAnother(answer, content)) throw new Refusal(0, "not_there", "", null);
  if (answer.ok) return content;
  const waitS = Number(answer.headers.get("Retry-After"));
  throw new Refusal(answer.status, content?.code ?? null, content?.detail ?? "", waitS > 0 ? waitS : null);
}

/** The login page of a hotel answers anything, with a page of its own or a redirect to one; that refuses no login. */
function isOfAnother(answer, content) {
  if (answer.redirected) return true;
  return answer.status !== 204 && content === null && answer.status < 500 && answer.status !== 429;
}

export const logIn = (name, password) => call("POST", "auth/login", { body: { name, password } });
export const setUp = (token, password) => call("POST", "auth/setup", { body: { token, password } });
export const checkSetUp = (token) => call("POST", "auth/setup/check", { body: { token } });
export const logOut = (token) => call("POST", "auth/logout", { token });
export const sites = (token) => call("GET", "sites", { token });
export const catalogue = (token, language) => call("GET", `catalogue?lang=${language}`, { token });

const ofSite = (site, rest) => `sites/${encodeURIComponent(site)}/${rest}`;
export const history = (token, site, query) => call("GET", ofSite(site, `history?${query}`), { token });
export const currentChargeSessions = (token, site) => call("GET", ofSite(site, "charge-sessions/current"), { token });
export const chargeSession = (token, site, id) => call("GET", ofSite(site, `charge-sessions/${id}`), { token });

/** A page of those that ended; `cursor` null: the first one. */
export function chargeSessions(token, site, cursor) {
  const query = new URLSearchParams({ limit: PAGE, ...(cursor && { cursor }) });
  return call("GET", ofSite(site, `charge-sessions?${query}`), { token });
}

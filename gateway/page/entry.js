// Logging in, and the one-time set-up link /#setup=<token>.

import * as api from "./api.js";
import { setHidden, setText } from "./bind.js";
import { words } from "./strings.js";

const SETUP = /^#setup=(.+)$/;

/** The token of a set-up link, taken out of the address bar at once. */
export function takeSetupToken() {
  const found = SETUP.exec(location.hash);
  if (!found) return null;
  history.replaceState(null, "", location.pathname + location.search);
  return found[1];
}

function isUsedUp(failure) {
  return failure instanceof api.Refusal && failure.status === 401;
}

/** Why it did not work, for people. */
export function refusalWords(failure) {
  if (!(failure instanceof api.Refusal)) throw failure;
  if (failure.code === "not_there") return words("gateway_not_there");
  if (failure.status === 0) return words("gateway_unreachable");
  if (failure.status === 429) return words("too_many_attempts", { seconds: Math.ceil(failure.retryAfterS ?? 60) });
  if (failure.status === 401) return words("wrong_credentials");
  return failure.status < 500 && failure.message ? failure.message : words("gateway_error", { status: failure.status });
}

export class Entry {
  /** `onLogin(answer)` gets the gateway's answer {token, expires_at, user}. */
  constructor(onLogin) {
    this._onLogin = onLogin;
    this._section = document.getElementById("entry");
    this._login = document.getElementById("login-form");
    this._setup = document.getElementById("setup-form");
    this._setupToken = null;
    this._login.addEventListener("submit", (event) => this._submit(event, this._login, () => this._logIn()));
    this._setup.addEventListener("submit", (event) => this._submit(event, this._setup, () => this._setUp()));
  }

  showLogin(message = "") {
    this._show(this._login, message);
  }

  /** The form, unless the link is known to be used up; who cannot be asked now will be when the form is sent. */
  async showSetup(token) {
    this._setupToken = token;
    const isUsed = await api.checkSetUp(token).then(() => false, isUsedUp);
    if (this._setupToken !== token) return;
    if (isUsed) this.showLogin(words("setup_used"));
    else this._show(this._setup, "");
  }

  hide() {
    setHidden(this._section, true);
    this._login.elements.password.value = "";
    this._setup.reset();
  }

  _show(form, message) {
    const newHere = this._section.hidden || form.hidden;
    setHidden(this._section, false);
    setHidden(this._login, form !== this._login);
    setHidden(this._setup, form !== this._setup);
    this._say(form, message);
    if (newHere) form.elements.password.focus();
  }

  _say(form, message) {
    setText(form.querySelector(".form-error"), message);
  }

  async _submit(event, form, act) {
    event.preventDefault();
    const button = form.querySelector("button");
    if (button.disabled) return;
    button.disabled = true;
    this._say(form, "");
    try {
      await act();
    } catch (failure) {
      this._say(form, refusalWords(failure));
    } finally {
      button.disabled = false;
    }
  }

  async _logIn() {
    const { name, password } = this._login.elements;
    this._onLogin(await api.logIn(name.value.trim(), password.value));
  }

  async _setUp() {
    const { name, password, again } = this._setup.elements;
    if (password.value !== again.value) {
      this._say(this._setup, words("passwords_differ"));
      again.focus();
      return;
    }
    let answer;
    try {
      answer = await api.setUp(this._setupToken, password.value);
    } catch (failure) {
      if (!isUsedUp(failure)) throw failure;
      this.showLogin(words("setup_used"));
      return;
    }
    this._setupToken = null;
    const chosen = password.value;
    this._setup.reset();
    try {
      this._onLogin(answer?.token ? answer : await api.logIn(name.value, chosen));
    } catch (failure) {
      this.showLogin(words("setup_done_log_in"));
      throw failure;
    }
  }
}

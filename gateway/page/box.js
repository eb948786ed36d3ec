// The openWB itself: link, tariff, version and its messages.

import { Bindings, setHidden, setStale, setText } from "./bind.js";
import { EventList } from "./events.js";
import { moment } from "./format.js";
import { words } from "./strings.js";

const MOST_MESSAGES = 5;
const PREFIX = "box/messages/";
const EPOCH_MS = /\d{13}$/;

export class Box {
  constructor(root) {
    this._bindings = new Bindings(root);
    this._link = document.getElementById("box-link");
    this._messages = document.getElementById("box-messages");
    this._rows = document.getElementById("message-rows");
    this._shown = "";
    this._events = new EventList(document.getElementById("events"));
  }

  render(state, health) {
    this._bindings.render(state);
    const since = health.sinceMs === null ? null : moment(health.sinceMs);
    setText(this._link, since === null ? health.word : words("since", { text: health.word, time: since }));
    this._renderMessages(state);
    this._events.render(state);
  }

  _renderMessages(state) {
    const found = [];
    for (const [key, [value, , stale]] of state.values) {
      if (!key.startsWith(PREFIX) || value === null) continue;
      const id = key.slice(PREFIX.length);
      found.push({ ...value, id, stale: stale !== undefined, at: Number(EPOCH_MS.exec(id)?.[0] ?? 0) });
    }
    found.sort((one, other) => other.at - one.at || other.id.localeCompare(one.id));
    const newest = found.slice(0, MOST_MESSAGES);
    const signature = JSON.stringify(newest);
    if (signature === this._shown) return;
    this._shown = signature;
    setHidden(this._messages, newest.length === 0);
    this._rows.replaceChildren(...newest.map(row));
  }
}

/** One message {type, text}; the box's ids end with a moment in epoch milliseconds. */
function row({ type, text, stale, at }) {
  const item = document.createElement("li");
  item.dataset.grade = type;
  item.textContent = text;
  setStale(item, stale);
  if (at > 0) {
    const time = document.createElement("time");
    time.textContent = moment(at);
    item.prepend(time, " ");
  }
  return item;
}

// The name of this tab for the gateway: a newer connection of the same name takes the place of an older one.
//
// A tab that is loaded again keeps its name, so that its old connection, perhaps half-open, goes at once. A copied tab
// copies the name as well: who holds the lock of the name keeps it, the other one takes a new one. Where there are no
// locks (plain http), every load is a new name.

const NAME = "gateway.device";

/** A name that no other open tab has. */
export async function deviceName() {
  const kept = sessionStorage.getItem(NAME);
  if (kept && (await holds(kept))) return kept;
  const made = newName();
  await holds(made);
  sessionStorage.setItem(NAME, made);
  return made;
}

function newName() {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return `page-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** Whether this tab got the lock of the name, which it then holds as long as it lives. */
function holds(name) {
  if (!navigator.locks) return Promise.resolve(false);
  return new Promise((resolve) => {
    navigator.locks
      .request(name, { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        return lock === null ? null : new Promise(() => {});
      })
      .catch(() => resolve(false));
  });
}

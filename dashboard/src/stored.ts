// What the page remembers between visits, in the browser's localStorage. Nothing secret is given to it.

/** Each dashboard of a host remembers for itself. */
const PREFIX = `wampd-dashboard ${location.pathname} `;

/** What was remembered under a name; `otherwise` if that is nothing, or cannot be read. */
export function recall<T>(name: string, otherwise: T): T {
  try {
    const text = localStorage.getItem(PREFIX + name);
    const value = text === null ? otherwise : (JSON.parse(text) as T);
    return value !== null && typeof value === typeof otherwise ? value : otherwise;
  } catch {
    return otherwise; // not ours, or storage is off
  }
}

export function remember(name: string, value: unknown): void {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // storage is full or off: the page works without
  }
}

export function forget(name: string): void {
  try {
    localStorage.removeItem(PREFIX + name);
  } catch {
    // nothing is kept then
  }
}

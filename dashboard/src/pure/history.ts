// What was sent from the console, newest first: bounded, without doubles, and without what looks like a secret.

import type { Dict, Json } from "../wamp/session";

export interface Entry {
  kind: "call" | "publish";
  uri: string;
  args: string;
  kwargs: string;
  options: string;
}

export const MOST = 50;
const LONGEST = 4096;
const SECRET = /passw|secret|token|ticket|apikey|api_key|credential|authorization|private|pin$|otp/i;
const HIDDEN = "…";

/** What was remembered, as far as it is a history. */
export function entriesOf(remembered: unknown): Entry[] {
  if (!Array.isArray(remembered)) return [];
  const texts = ["uri", "args", "kwargs", "options"] as const;
  return remembered.filter((each: Partial<Entry> | null): each is Entry =>
    (each?.kind === "call" || each?.kind === "publish") && texts.every((name) => typeof each[name] === "string")).slice(0, MOST);
}

/** The history with one more entry. What is too long to keep is left out. */
export function added(history: Entry[], entry: Entry): Entry[] {
  const kept = { ...entry, args: masked(entry.args), kwargs: masked(entry.kwargs), options: masked(entry.options) };
  if (JSON.stringify(kept).length > LONGEST) return history;
  return [kept, ...history.filter((other) => !same(other, kept))].slice(0, MOST);
}

function same(one: Entry, other: Entry): boolean {
  return one.kind === other.kind && one.uri === other.uri && one.args === other.args
    && one.kwargs === other.kwargs && one.options === other.options;
}

/** The text with the values of keys whose names say that they are secret replaced; as it is if there are none. */
function masked(text: string): string {
  if (!SECRET.test(text)) return text;
  try {
    return JSON.stringify(without(JSON.parse(text) as Json));
  } catch {
    return ""; // it was sent, so it was JSON: this cannot be
  }
}

function without(value: Json): Json {
  if (Array.isArray(value)) return value.map(without);
  if (value === null || typeof value !== "object") return value;
  const shown: Dict = {};
  for (const [key, item] of Object.entries(value)) shown[key] = SECRET.test(key) ? HIDDEN : without(item);
  return shown;
}

/** A walk through the history by the arrow keys: where one is, and what stood there before one set out. */
export class Walk {
  private at = -1;
  private draft: Entry | null = null;

  /** The entry one step older (1) or newer (-1), or what was being written; null: there is nothing in this direction. */
  step(history: Entry[], by: 1 | -1, written: Entry): Entry | null {
    const to = this.at + by;
    if (to < -1 || to >= history.length) return null;
    if (this.at === -1) this.draft = written;
    this.at = to;
    return to === -1 ? this.draft : history[to] ?? null;
  }

  /** Something new was written. */
  reset(): void {
    this.at = -1;
  }
}

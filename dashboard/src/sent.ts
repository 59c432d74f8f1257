// What was sent from the console and what became of it; it stays while one looks at other views.

import { signal } from "@preact/signals";
import { onOut } from "./link";
import { pretty } from "./pure/json";
import { visible } from "./pure/visible";
import { Ended, WampError, type Dict, type Json, type Payload, type Session } from "./wamp/session";

export interface Sent {
  id: number;
  kind: "call" | "publish";
  uri: string;
  at: Date;
  state: "waiting" | "done" | "failed" | "canceled";
  /** Milliseconds, once it has ended. */
  took: number | null;
  parts: string[];
  /** Parts that had to make room. */
  unseen: number;
  answer: string;
  cancel: (() => void) | null;
}

const MOST = 30;
const MOST_PARTS = 100;

export const transcript = signal<Sent[]>([]);
let lastId = 0;

onOut(() => (transcript.value = []));

function begun(kind: Sent["kind"], uri: string, cancel: (() => void) | null): number {
  const entry: Sent = { id: ++lastId, kind, uri, at: new Date(), state: "waiting", took: null, parts: [], unseen: 0, answer: "", cancel };
  transcript.value = [entry, ...transcript.value].slice(0, MOST);
  return entry.id;
}

function change(id: number, changed: (entry: Sent) => Partial<Sent>): void {
  transcript.value = transcript.value.map((entry) => (entry.id === id ? { ...entry, ...changed(entry) } : entry));
}

function ended(id: number, start: number, state: Sent["state"], answer: string): void {
  change(id, () => ({ state, answer, took: performance.now() - start, cancel: null }));
}

/** Calls; parts of the result are shown as they come. */
export async function call(of: Session, uri: string, args: Json[], kwargs: Dict, options: Dict, inParts: boolean): Promise<void> {
  const start = performance.now();
  const stop = new AbortController();
  const id = begun("call", uri, () => stop.abort());
  const onProgress = (part: Payload) =>
    change(id, ({ parts, unseen }) => ({
      parts: [...parts, shown(part)].slice(-MOST_PARTS),
      unseen: unseen + (parts.length >= MOST_PARTS ? 1 : 0),
    }));
  try {
    const result = await of.call(uri, args, kwargs, { options, signal: stop.signal, ...(inParts ? { onProgress } : {}) });
    ended(id, start, "done", shown(result));
  } catch (error) {
    ended(id, start, stop.signal.aborted ? "canceled" : "failed", explained(error));
  }
}

/** Publishes, acknowledged unless the options say otherwise. */
export async function publish(of: Session, uri: string, args: Json[], kwargs: Dict, options: Dict): Promise<void> {
  const start = performance.now();
  const id = begun("publish", uri, null);
  try {
    const publication = await of.publish(uri, args, kwargs, { acknowledge: true, ...options });
    ended(id, start, "done", publication === null ? "sent, not acknowledged" : `publication ${publication}`);
  } catch (error) {
    ended(id, start, "failed", explained(error));
  }
}

/** A payload in as few words as it needs: its only argument, its arguments, its keywords, or both. */
export function shown({ args, kwargs }: Pick<Payload, "args" | "kwargs">, most?: number): string {
  const hasKwargs = Object.keys(kwargs).length > 0;
  if (!hasKwargs) return args.length === 0 ? "(empty)" : pretty(args.length === 1 ? args[0]! : args, most);
  return pretty(args.length ? { args, kwargs } : kwargs, most);
}

function explained(error: unknown): string {
  if (error instanceof Ended) return visible(`The session ended before the answer came. ${error.ending.reason}`.trim());
  if (!(error instanceof WampError)) return String(error);
  const { args, kwargs } = error.payload;
  const uri = visible(error.uri);
  return args.length || Object.keys(kwargs).length ? `${uri}\n${shown(error.payload)}` : uri;
}

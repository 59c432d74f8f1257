// What a view shows of the router: asked again and again while somebody looks, and kept while the connection is away.
//
// Rules
// - Nothing is asked while the page is hidden, and never a second time before the first has been answered.
// - What the role may not see is found out once, and not asked again in the same session; nor is it shown any longer.

import { computed, signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { status } from "./link";
import { PREFIX } from "./monitor";
import { Ended, WampError, type Dict, type Json, type Payload, type Session } from "./wamp/session";

export interface Problem {
  kind: "forbidden" | "absent" | "failed";
  text: string;
}

export interface Live<T> {
  data: T | null;
  problem: Problem | null;
  refresh: () => void;
}

const PATIENCE_MS = 10_000;

export const session = computed<Session | null>(() => (status.value.is === "in" ? status.value.session : null));

const looking = signal(!document.hidden);
document.addEventListener("visibilitychange", () => (looking.value = !document.hidden));

/** What a session was told that it may not call, so that it is not asked again, and the books of the router stay short. */
const forbidden = new WeakMap<Session, Map<string, WampError>>();

/** Asks the monitor something that a view shows. */
export async function ask<T>(of: Session, procedure: string, argument?: Dict): Promise<T> {
  const refused = forbidden.get(of)?.get(procedure);
  if (refused) throw refused;
  try {
    return await request<T>(of, procedure, argument);
  } catch (error) {
    if (error instanceof WampError && error.uri === "wamp.error.not_authorized") {
      forbidden.set(of, (forbidden.get(of) ?? new Map<string, WampError>()).set(procedure, error));
    }
    throw error;
  }
}

/** Calls a procedure of the monitor; gives up after some seconds. */
export async function request<T>(of: Session, procedure: string, argument?: Dict): Promise<T> {
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), PATIENCE_MS);
  try {
    const { args } = await of.call(PREFIX + procedure, argument ? [argument] : [], {}, { signal: giveUp.signal });
    return args[0] as T;
  } finally {
    clearTimeout(timer);
  }
}

/** What a procedure of the monitor says, every `every` milliseconds; `null` as the argument asks nothing. */
export function useLive<T>(procedure: string, argument: Dict | null, every: number): Live<T> {
  const [data, setData] = useState<T | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const again = useRef<() => void>(() => undefined);
  const of = session.value;
  const key = JSON.stringify(argument);
  useEffect(() => {
    if (!of || argument === null) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let over = false, asking = false;
    const turn = async () => {
      clearTimeout(timer);
      if (over || asking || document.hidden) return;
      asking = true;
      try {
        const heard = await ask<T>(of, procedure, argument);
        if (!over) (setData(heard), setProblem(null));
        timer = setTimeout(turn, every);
      } catch (error) {
        const found = problemOf(error, PREFIX + procedure);
        if (!over && found) setProblem(found);
        if (!over && found && found.kind !== "failed") setData(null);
        if (found?.kind === "failed") timer = setTimeout(turn, every * 3);
        if (over) clearTimeout(timer);
      } finally {
        asking = false;
      }
    };
    again.current = () => void turn();
    document.addEventListener("visibilitychange", again.current);
    void turn();
    return () => {
      over = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", again.current);
    };
  }, [of, procedure, key, every]);
  return { data, problem, refresh: () => again.current() };
}

/** Hears the events of a topic while a view is shown, and looked at. */
export function useTopic(topic: string, handler: (event: Payload) => void): Problem | null {
  const [problem, setProblem] = useState<Problem | null>(null);
  const latest = useRef(handler);
  latest.current = handler;
  const of = looking.value ? session.value : null;
  useEffect(() => {
    if (!of) return;
    let over = false;
    let end: (() => void) | undefined;
    const revoked = () => setProblem({ kind: "forbidden", text: topic });
    of.subscribe(topic, {}, (event) => latest.current(event), revoked).then(
      (unsubscribe) => (over ? unsubscribe() : ((end = unsubscribe), setProblem(null))),
      (error: unknown) => !over && setProblem(problemOf(error, topic)),
    );
    return () => {
      over = true;
      end?.();
    };
  }, [of, topic]);
  return problem;
}

/** What to say of a failure with a procedure or topic; null: the connection is gone, which the page says elsewhere. */
export function problemOf(error: unknown, uri: string): Problem | null {
  if (error instanceof Ended) return null;
  if (!(error instanceof WampError)) return { kind: "failed", text: String(error) };
  if (error.uri === "wamp.error.not_authorized") return { kind: "forbidden", text: uri };
  if (error.uri === "wamp.error.no_such_procedure") return { kind: "absent", text: uri };
  if (error.uri === "wamp.error.canceled") return { kind: "failed", text: "The router did not answer in time." };
  return { kind: "failed", text: error.text ? `${error.uri}: ${error.text}` : error.uri };
}

export function firstOf(event: Payload): Json {
  return event.args[0] ?? null;
}

// The live tail of one topic. It goes on while one looks at other views, and after a lost connection.

import { effect, signal } from "@preact/signals";
import { onOut } from "./link";
import { problemOf, session, type Problem } from "./live";
import { Tail } from "./pure/tail";
import { shown } from "./sent";
import type { Payload } from "./wamp/session";

export type Match = "exact" | "prefix" | "wildcard";

export const MOST_KEPT = 1000;
const REDRAW_MS = 200;
/** Of one event: there are many of them, and a phone has to lay them out. */
const MOST_CHARACTERS = 4000;

export const tail = new Tail(MOST_KEPT);
export const topic = signal("");
export const match = signal<Match>("exact");
/** What is listened to; null: nothing is. */
export const running = signal<{ topic: string; match: Match } | null>(null);
export const problem = signal<Problem | null>(null);
/** Changes when there is something new to draw, but not for every event. */
export const drawn = signal(0);

let timer: ReturnType<typeof setTimeout> | undefined;

onOut(() => {
  running.value = null;
  problem.value = null;
  topic.value = "";
  match.value = "exact";
  tail.go();
  tail.clear();
});

export function redraw(): void {
  clearTimeout(timer);
  timer = undefined;
  drawn.value++;
}

function heard(event: Payload, publication: number): void {
  const name = event.details["topic"];
  const from = typeof name === "string" ? name : running.value?.topic ?? "";
  const { publisher_authid: who, publisher, retained } = event.details;
  const by = who ?? publisher;
  const note = [`publication ${publication}`, ...(by === undefined ? [] : [`by ${by}`]), ...(retained === true ? ["retained"] : [])];
  tail.add(Date.now(), from, shown(event, MOST_CHARACTERS), note.join(", "));
  timer ??= setTimeout(redraw, REDRAW_MS);
}

effect(() => {
  const of = session.value, what = running.value;
  if (!of || !what) return;
  let over = false;
  let end: (() => void) | undefined;
  const revoked = () => {
    problem.value = { kind: "forbidden", text: what.topic };
    running.value = null;
  };
  of.subscribe(what.topic, { match: what.match }, heard, revoked).then(
    (unsubscribe) => (over ? unsubscribe() : ((end = unsubscribe), (problem.value = null))),
    (error: unknown) => {
      const found = problemOf(error, what.topic);
      if (over || !found) return;
      problem.value = found;
      running.value = null;
    },
  );
  return () => {
    over = true;
    end?.();
  };
});

// What is said instead of, or above, what cannot be shown.

import type { ComponentChildren } from "preact";
import { status } from "../link";
import type { Problem } from "../live";
import { visible } from "../pure/visible";

export function Notice({ kind = "info", children }: { kind?: "info" | "bad" | "wait"; children: ComponentChildren }) {
  return <div class={`notice ${kind}`}>{children}</div>;
}

/** Says what is the matter; nothing, if nothing is. */
export function Trouble({ problem, doing = "see" }: { problem: Problem | null; doing?: "see" | "do" }) {
  if (!problem) return null;
  const role = status.value.is === "in" ? status.value.who.authrole : "";
  if (problem.kind === "forbidden") {
    return <Notice>Your role <b>{role}</b> may not {doing} this: it has no permission for <code>{visible(problem.text)}</code>.</Notice>;
  }
  if (problem.kind === "absent") {
    return <Notice>This realm does not tell: there is no <code>{problem.text}</code>. The realm’s <code>monitor</code> setting adds it.</Notice>;
  }
  return <Notice kind="bad">{visible(problem.text)}</Notice>;
}

// The page's connection: logging in, staying in, coming back.
//
// Rules
// - A connection that was lost is tried again, with growing pauses; one that the router ended on purpose is not.
// - Credentials live in this module's memory as long as somebody is logged in, and nowhere else.

import { signal } from "@preact/signals";
import { backoff } from "./pure/backoff";
import { recall, remember } from "./stored";
import type { Credentials, Method } from "./wamp/proof";
import { join, type Ending, type Session, type Welcome } from "./wamp/session";

export interface Settings {
  title: string;
  realm: string;
  websocket: string;
  methods: Method[];
}

export interface Login extends Credentials {
  realm: string;
}

export type Status =
  | { is: "starting" }
  | { is: "unset"; why: string }
  | { is: "out"; why: string }
  | { is: "joining" }
  | { is: "in"; session: Session; who: Welcome }
  /** `retryAt` is of `performance.now()`, which no step of the clock changes. */
  | { is: "lost"; who: Welcome | null; retryAt: number | null };

export const settings = signal<Settings>({ title: "wampd", realm: "", websocket: "/ws", methods: [] });
export const status = signal<Status>({ is: "starting" });

const WRONG: Record<string, string> = {
  "wamp.error.authentication_denied": "The router did not accept this. Check the name and the secret.",
  "wamp.error.authentication_required": "The realm asks for another way to log in.",
  "wamp.error.no_matching_auth_method": "The realm does not let you in by this method.",
  "wamp.error.authentication_failed": "The router could not check this, or there were too many attempts. Wait a little.",
  "wamp.error.no_such_principal": "Nobody here has this name.",
  "wamp.error.no_such_realm": "There is no such realm.",
  "wamp.error.not_authorized": "You may not join this realm.",
  "wamp.error.unavailable": "The router has no room for another session now.",
};
const PASSING = new Set(["wamp.close.system_shutdown", "wamp.error.system_shutdown", "wamp.error.unavailable"]);

/** Milliseconds to wait for the page's settings. */
const PATIENCE_MS = 15_000;

/** What is done when somebody goes out, so that nothing of theirs is left for the next one at this page. */
const forgetting: (() => void)[] = [];

let login: Login | null = null;
let current: Session | null = null;
let attempt = 0;
/** Which of the attempts to connect counts: the last. */
let trying = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Begins: comes in, if nothing has to be asked for that. */
export async function begin(): Promise<void> {
  status.value = { is: "starting" };
  try {
    settings.value = await fetched();
  } catch (error) {
    status.value = { is: "unset", why: String(error) };
    return;
  }
  document.title = settings.value.title;
  const { methods, realm } = settings.value;
  const last = recall<{ out?: boolean; realm?: string }>("login", {});
  const silent = methods.includes("cookie") ? "cookie" : methods.length === 1 && methods[0] === "anonymous" ? "anonymous" : null;
  if (silent === null || last.out) status.value = { is: "out", why: "" };
  else enter({ method: silent, authid: "", secret: "", realm: last.realm ?? realm });
}

/** What the page must know. */
async function fetched(): Promise<Settings> {
  const answer = await fetch("settings.json", { cache: "no-cache", signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!answer.ok) throw new Error(`settings.json: ${answer.status}`);
  return (await answer.json()) as Settings;
}

/** Logs in. */
export function enter(as: Login): void {
  login = as;
  attempt = 0;
  connect();
}

/** Logs out: forgets who it was, and the cookie, where the realm gives any. */
export function leave(): void {
  clearTimeout(timer);
  const leaving = current;
  remember("login", { ...recall("login", {}), out: true });
  out("");
  leaving?.leave(settings.value.methods.includes("cookie") ? "wamp.close.logout" : "wamp.close.close_realm");
}

export function onOut(forget: () => void): void {
  forgetting.push(forget);
}

function out(why: string): void {
  login = null;
  current = null;
  trying++;
  status.value = { is: "out", why };
  for (const forget of forgetting) forget();
}

/** Tries again now. */
export function retryNow(): void {
  if (status.value.is === "lost" && login) connect();
}

function connect(): void {
  clearTimeout(timer);
  if (!login) return;
  const { realm, ...credentials } = login;
  const before = status.value;
  status.value = before.is === "lost" ? { ...before, retryAt: null } : { is: "joining" };
  const url = new URL(settings.value.websocket, location.href.replace(/^http/, "ws")).href;
  const as = login, mine = ++trying;
  join(url, realm, credentials, (why) => mine === trying && over(why)).then((session) => {
    if (mine !== trying || !session.welcome) return session.leave();
    attempt = 0;
    current = session;
    const named = as.authid ? { method: as.method, authid: as.authid, second: as.second?.method } : {};
    remember("login", { ...recall("login", {}), ...named, realm, out: false });
    status.value = { is: "in", session, who: session.welcome };
  }, () => undefined); // `over` has been told
}

function over(why: Ending): void {
  const was = status.value;
  const who = was.is === "in" || was.is === "lost" ? was.who : null;
  current = null;
  if (why.kind === "lost" || (who && PASSING.has(why.reason))) return again(who);
  const silently = why.kind === "refused" && login?.method === "cookie";
  out(silently ? "" : explained(why));
}

function again(who: Welcome | null): void {
  const pause = backoff(attempt++, Math.random());
  status.value = { is: "lost", who, retryAt: performance.now() + pause };
  timer = setTimeout(connect, pause);
}

function explained({ kind, reason, message }: Ending): string {
  if (kind === "unproved") return message;
  const more = message ? `${reason}: ${message}` : reason;
  if (kind === "goodbye") return `The router has ended your session (${more}).`;
  return `${WRONG[reason] ?? "The router refused."} (${reason})`;
}

addEventListener("online", retryNow);

// One WAMP session over one WebSocket, in JSON: from HELLO to GOODBYE. Nothing here reconnects, and nothing here is drawn.
//
// Rules
// - Every promise is settled: by an answer, by an ERROR, or by the end of the connection.
// - A router that does not let anybody in for long, or does not even answer a CANCEL, is not there: the connection is lost.
// - A message that the protocol does not allow ends the connection; so does a proof that cannot be made, or that fails.
// - Options and details are passed on as they are: this is the client of a console that can send whatever a router knows.
//
// Source: the WAMP specification, Basic Profile, and of the Advanced Profile progressive results, cancelling, patterns,
// and the revocation of subscriptions.

import { asDict, parsed } from "../pure/json";
import { Prover, Unproved, type Credentials } from "./proof";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Dict = { [key: string]: Json };

const HELLO = 1, WELCOME = 2, ABORT = 3, CHALLENGE = 4, AUTHENTICATE = 5, GOODBYE = 6, ERROR = 8;
const PUBLISH = 16, PUBLISHED = 17, SUBSCRIBE = 32, SUBSCRIBED = 33, UNSUBSCRIBE = 34, UNSUBSCRIBED = 35, EVENT = 36;
const CALL = 48, CANCEL = 49, RESULT = 50;

const ROLES: Dict = {
  caller: { features: { progressive_call_results: true, call_canceling: true, call_timeout: true } },
  publisher: { features: { publisher_exclusion: true, subscriber_blackwhite_listing: true } },
  subscriber: { features: { pattern_based_subscription: true, publisher_identification: true, subscription_revocation: true } },
};

/** How long it may take to come in: the router itself waits for less. */
const JOINING_MS = 30_000;
/** How long a CANCEL may be without an answer, which a router gives at once. */
const DEAF_MS = 10_000;

export interface Payload {
  args: Json[];
  kwargs: Dict;
  details: Dict;
}

/** An ERROR of the router or of a callee. */
export class WampError extends Error {
  constructor(readonly uri: string, readonly payload: Payload) {
    super(uri);
  }

  /** What it says to people: its first argument, if that is a text. */
  get text(): string {
    const [first] = this.payload.args;
    return typeof first === "string" ? first : "";
  }
}

/** Why a session has ended, or has never begun. */
export interface Ending {
  /** `unproved`: by this side, with a message for people. */
  kind: "refused" | "unproved" | "goodbye" | "left" | "lost";
  reason: string;
  message: string;
}

const GONE: Ending = { kind: "lost", reason: "", message: "not connected" };

/** What is waited for, when the session ends before it comes. */
export class Ended extends Error {
  constructor(readonly ending: Ending) {
    super(ending.reason);
  }
}

export interface Welcome {
  session: number;
  realm: string;
  authid: string;
  authrole: string;
  authmethod: string;
}

export interface Calling {
  options?: Dict;
  onProgress?: (part: Payload) => void;
  signal?: AbortSignal;
}

interface Waiting {
  answer: number;
  resolve: (message: Json[]) => void;
  reject: (error: Error) => void;
  onProgress?: ((part: Payload) => void) | undefined;
}

type Handler = (event: Payload, publication: number) => void;

interface Listener {
  handler: Handler;
  onRevoked: () => void;
}

/** Joins a realm; the promise is rejected with `Ended` if that cannot be. */
export function join(url: string, realm: string, credentials: Credentials, onEnd: (why: Ending) => void): Promise<Session> {
  return new Promise((resolve, reject) => {
    void new Session(new WebSocket(url, ["wamp.2.json"]), realm, credentials, resolve, (why) => {
      reject(new Ended(why)); // of no effect once it has been resolved
      onEnd(why);
    });
  });
}

export class Session {
  welcome: Welcome | null = null;
  private lastRequest = 0;
  private readonly waiting = new Map<number, Waiting>();
  private readonly listeners = new Map<number, Set<Listener>>();
  /** How many SUBSCRIBEs have no answer yet. */
  private subscribing = 0;
  private ended = false;
  private readonly prover: Prover;
  private readonly tooLong = setTimeout(() => this.lose("the router did not answer in time"), JOINING_MS);

  constructor(
    private readonly socket: WebSocket,
    private readonly realm: string,
    credentials: Credentials,
    private readonly onJoin: (session: Session) => void,
    private readonly onEnd: (why: Ending) => void,
  ) {
    this.prover = new Prover(credentials);
    socket.onopen = () => this.trying(() => this.send(HELLO, realm, { ...this.prover.hello(), agent: "wampd-dashboard", roles: ROLES }));
    socket.onmessage = (event) => this.receive(event.data);
    socket.onclose = () => this.lose("the connection was lost");
  }

  /** Calls a procedure. An aborted signal cancels the call; it still ends with an answer, mostly `wamp.error.canceled`. */
  async call(procedure: string, args: Json[] = [], kwargs: Dict = {}, how: Calling = {}): Promise<Payload> {
    const options = how.onProgress ? { receive_progress: true, ...how.options } : { ...how.options };
    const request = this.nextRequest();
    let deaf: ReturnType<typeof setTimeout> | undefined;
    const cancel = () => {
      if (!this.waiting.has(request)) return;
      this.send(CANCEL, request, { mode: "killnowait" });
      deaf = setTimeout(() => this.lose("the router does not answer"), DEAF_MS);
    };
    how.signal?.addEventListener("abort", cancel, { once: true });
    try {
      const message = await this.ask(request, RESULT, [CALL, request, options, procedure, ...packed(args, kwargs)], how.onProgress);
      return unpacked(message, 2);
    } finally {
      clearTimeout(deaf);
      how.signal?.removeEventListener("abort", cancel);
    }
  }

  /** Publishes; returns the publication's id if the options ask for an acknowledgement. */
  async publish(topic: string, args: Json[], kwargs: Dict, options: Dict): Promise<number | null> {
    const request = this.nextRequest();
    const message = [PUBLISH, request, options, topic, ...packed(args, kwargs)];
    if (options["acknowledge"] !== true) {
      if (this.ended || this.socket.readyState !== WebSocket.OPEN) throw new Ended(GONE);
      this.send(...message);
      return null;
    }
    return Number((await this.ask(request, PUBLISHED, message))[2]);
  }

  /**
   * Subscribes; returns what ends that. Two handlers of one topic share the router's subscription. `onRevoked` is called if
   * the router ends it, since it is not allowed any more.
   */
  async subscribe(topic: string, options: Dict, handler: Handler, onRevoked: () => void = () => undefined): Promise<() => void> {
    const request = this.nextRequest();
    const listener = { handler, onRevoked };
    let subscription = 0;
    this.subscribing++;
    try {
      // An event may come in the same breath as SUBSCRIBED, so the handler is put in place by the answer itself.
      await this.ask(request, SUBSCRIBED, [SUBSCRIBE, request, options, topic], undefined, (message) => {
        subscription = Number(message[2]);
        this.listeners.set(subscription, (this.listeners.get(subscription) ?? new Set()).add(listener));
      });
    } finally {
      this.subscribing--;
      this.letGo();
    }
    return () => {
      this.listeners.get(subscription)?.delete(listener);
      this.letGo();
    };
  }

  /**
   * Unsubscribes from what nobody listens to. While a SUBSCRIBE is under way nothing is: it may be for the same, and the
   * router would take both as one.
   */
  private letGo(): void {
    if (this.subscribing || this.ended) return;
    for (const [subscription, { size }] of [...this.listeners]) {
      if (size) continue;
      this.listeners.delete(subscription);
      const request = this.nextRequest();
      this.ask(request, UNSUBSCRIBED, [UNSUBSCRIBE, request, subscription]).catch(() => undefined); // it was gone already
    }
  }

  /** Says goodbye and closes. */
  leave(reason = "wamp.close.close_realm"): void {
    if (this.welcome) this.send(GOODBYE, {}, reason);
    this.end({ kind: "left", reason, message: "" });
  }

  private nextRequest(): number {
    return ++this.lastRequest;
  }

  private send(...message: unknown[]): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  private ask(
    request: number,
    answer: number,
    message: unknown[],
    onProgress?: (part: Payload) => void,
    first: (message: Json[]) => void = () => undefined,
  ): Promise<Json[]> {
    return new Promise((resolve, reject) => {
      if (this.ended) return reject(new Ended(GONE));
      const settle = (heard: Json[]) => (first(heard), resolve(heard));
      this.waiting.set(request, { answer, resolve: settle, reject, onProgress });
      this.send(...message);
    });
  }

  private receive(data: unknown): void {
    this.trying(() => {
      const message = parsed(String(data));
      if (!Array.isArray(message)) throw new Error("a message is a list");
      if (this.welcome) this.heard(message);
      else this.opening(message);
    });
  }

  /** Does something; what goes wrong with it ends the connection. */
  private trying(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.fail(error);
    }
  }

  private fail(error: unknown): void {
    if (this.ended) return;
    const [kind, reason] = error instanceof Unproved
      ? (["unproved", "wamp.error.cannot_authenticate"] as const)
      : (["refused", "wamp.error.protocol_violation"] as const);
    this.send(ABORT, {}, reason);
    this.end({ kind, reason, message: error instanceof Unproved ? error.message : String(error) });
  }

  private opening(message: Json[]): void {
    const [code, first, second] = message;
    if (code === WELCOME) {
      const details = asDict(second);
      this.prover.check(details);
      const say = (key: string) => String(details[key] ?? "");
      this.welcome = {
        session: Number(first),
        realm: this.realm,
        authid: say("authid"),
        authrole: say("authrole"),
        authmethod: say("authmethod"),
      };
      clearTimeout(this.tooLong);
      this.onJoin(this);
    } else if (code === CHALLENGE) {
      this.prover.answer(String(first), asDict(second)).then(
        (answer) => this.send(AUTHENTICATE, ...answer), // of no effect if the socket was closed meanwhile
        (error: unknown) => this.fail(error),
      );
    } else if (code === ABORT) {
      this.end({ kind: "refused", reason: String(second), message: String(asDict(first)["message"] ?? "") });
    } else {
      throw new Error(`unexpected message ${String(code)}`);
    }
  }

  private heard(message: Json[]): void {
    const [code, first, second, third] = message;
    if (code === EVENT) {
      const event = unpacked(message, 3);
      for (const { handler } of this.listeners.get(Number(first)) ?? []) handler(event, Number(second));
    } else if (code === ERROR) {
      this.take(Number(second))?.reject(new WampError(String(message[4]), unpacked(message, 3, 5)));
    } else if (code === GOODBYE || code === ABORT) {
      if (code === GOODBYE) this.send(GOODBYE, {}, "wamp.close.goodbye_and_out");
      this.end({ kind: "goodbye", reason: String(second), message: String(asDict(first)["message"] ?? "") });
    } else if (code === UNSUBSCRIBED && first === 0) {
      const subscription = Number(asDict(second)["subscription"]);
      const revoked = this.listeners.get(subscription) ?? [];
      this.listeners.delete(subscription);
      for (const { onRevoked } of revoked) onRevoked();
    } else if (code === RESULT && asDict(second)["progress"] === true) {
      this.waiting.get(Number(first))?.onProgress?.(unpacked(message, 2));
    } else {
      const waiting = this.take(Number(first));
      if (!waiting || waiting.answer !== code) throw new Error(`unexpected message ${String(code)} ${String(third)}`);
      waiting.resolve(message);
    }
  }

  private take(request: number): Waiting | undefined {
    const waiting = this.waiting.get(request);
    this.waiting.delete(request);
    return waiting;
  }

  private lose(message: string): void {
    this.end({ kind: "lost", reason: "", message });
  }

  private end(why: Ending): void {
    if (this.ended) return;
    this.ended = true;
    clearTimeout(this.tooLong);
    this.socket.onmessage = null;
    this.socket.close();
    for (const { reject } of this.waiting.values()) reject(new Ended(why));
    this.waiting.clear();
    this.listeners.clear();
    this.onEnd(why);
  }
}

function packed(args: Json[], kwargs: Dict): Json[] {
  if (Object.keys(kwargs).length) return [args, kwargs];
  return args.length ? [args] : [];
}

function unpacked(message: Json[], details: number, payload = details + 1): Payload {
  const args = message[payload];
  return { details: asDict(message[details]), args: Array.isArray(args) ? args : [], kwargs: asDict(message[payload + 1]) };
}

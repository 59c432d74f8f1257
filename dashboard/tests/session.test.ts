// One session over a socket that the test holds in its hands.

import assert from "node:assert/strict";
import test from "node:test";
import { Ended, join, WampError, type Dict, type Ending, type Json, type Session } from "../src/wamp/session";

class Socket {
  static readonly OPEN = 1;
  static last: Socket;
  readyState = 1;
  sent: Json[][] = [];
  onopen: () => void = () => undefined;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: () => void = () => undefined;

  constructor(readonly url: string, readonly protocols: string[]) {
    Socket.last = this;
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Json[]);
  }

  close(): void {
    this.readyState = 3;
    this.onclose();
  }

  says(...message: Json[]): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  heard(): Json[] {
    return this.sent.splice(0).at(-1)!;
  }
}

Object.assign(globalThis, { WebSocket: Socket });

/** What was awaited has gone on. */
const turn = () => new Promise((resolve) => setTimeout(resolve));
const ROLES = { authid: "joe", authrole: "operator", authmethod: "ticket" };

async function joined(): Promise<{ session: Session; socket: Socket; endings: Ending[] }> {
  const endings: Ending[] = [];
  const coming = join("ws://x/ws", "r", { method: "ticket", authid: "joe", secret: "hunter2" }, (why) => endings.push(why));
  const socket = Socket.last;
  socket.onopen();
  assert.deepEqual(socket.heard().slice(0, 2), [1, "r"]);
  socket.says(4, "ticket", {});
  await turn();
  assert.deepEqual(socket.heard(), [5, "hunter2", {}]);
  socket.says(2, 77, ROLES);
  return { session: await coming, socket, endings };
}

test("a session joins, and knows who it is", async () => {
  const { session, socket } = await joined();
  assert.deepEqual(socket.protocols, ["wamp.2.json"]);
  assert.deepEqual(session.welcome, { session: 77, realm: "r", ...ROLES });
});

test("whoever is refused learns why, once", async () => {
  const endings: Ending[] = [];
  const coming = join("ws://x/ws", "r", { method: "anonymous", authid: "", secret: "" }, (why) => endings.push(why));
  Socket.last.onopen();
  Socket.last.says(3, { message: "no" }, "wamp.error.authentication_denied");
  await assert.rejects(coming, Ended);
  Socket.last.onclose();
  assert.deepEqual(endings, [{ kind: "refused", reason: "wamp.error.authentication_denied", message: "no" }]);
});

test("who proves itself twice answers two challenges", async () => {
  const second = { method: "wampcra", secret: "hunter2 again" } as const;
  const coming = join("ws://x/ws", "r", { method: "ticket", authid: "joe", secret: "hunter2", second }, () => undefined);
  const socket = Socket.last;
  socket.onopen();
  assert.deepEqual((socket.heard()[2] as Dict)["authmethods"], ["ticket", "wampcra"]);
  socket.says(4, "ticket", {});
  await turn();
  assert.deepEqual(socket.heard(), [5, "hunter2", {}]);
  socket.says(4, "wampcra", { challenge: "c" });
  await turn();
  assert.equal(socket.heard()[0], 5);
  socket.says(2, 77, ROLES);
  assert.equal((await coming).welcome?.authid, "joe");
});

for (const [what, method, secret, says] of [
  ["a proof that was not offered is asked for", "ticket", "hunter2", [4, "wampcra", { challenge: "c" }]],
  ["there is no key", "cryptosign", "hunter2", null],
] as const) {
  test(`nothing goes on when ${what}, and people are told why`, async () => {
    const endings: Ending[] = [];
    const coming = join("ws://x/ws", "r", { method, authid: "joe", secret }, (why) => endings.push(why));
    const socket = Socket.last;
    socket.onopen();
    if (says) socket.says(...(says as unknown as Json[]));
    await assert.rejects(coming, Ended);
    assert.deepEqual(socket.heard(), [3, {}, "wamp.error.cannot_authenticate"]);
    assert.deepEqual(endings.map(({ kind }) => kind), ["unproved"]);
    assert.ok(endings[0]!.message && !endings[0]!.message.includes("hunter2"));
  });
}

test("a router that does not prove itself is not spoken to", async () => {
  const endings: Ending[] = [];
  const coming = join("ws://x/ws", "r", { method: "scram", authid: "joe", secret: "hunter2" }, (why) => endings.push(why));
  const socket = Socket.last;
  socket.onopen();
  const { nonce } = (socket.heard()[2] as { authextra: { nonce: string } }).authextra;
  socket.says(4, "scram", { nonce: `${nonce}x`, kdf: "pbkdf2", salt: "MDEy", iterations: 1, memory: null });
  while (!socket.sent.length) await turn();
  assert.equal(socket.heard()[0], 5);
  socket.says(2, 77, { ...ROLES, authextra: { verifier: "bm90aGluZw==" } });
  await assert.rejects(coming, Ended);
  assert.deepEqual(endings.map(({ kind }) => kind), ["unproved"]);
});

test("calls are answered whatever the order, parts come first, and ERROR is a WampError", async () => {
  const { session, socket } = await joined();
  const parts: Json[] = [];
  const first = session.call("a", [1], {}, { onProgress: ({ args }) => parts.push(...args) });
  assert.deepEqual(socket.heard(), [48, 1, { receive_progress: true }, "a", [1]]);
  const second = session.call("b", [], { k: 1 }, { options: { timeout: 5 } });
  assert.deepEqual(socket.heard(), [48, 2, { timeout: 5 }, "b", [], { k: 1 }]);
  socket.says(50, 1, { progress: true }, ["part"]);
  socket.says(8, 48, 2, {}, "com.example.bad", ["text"]);
  socket.says(50, 1, {}, ["end"]);
  assert.deepEqual((await first).args, ["end"]);
  assert.deepEqual(parts, ["part"]);
  await assert.rejects(second, (error) => error instanceof WampError && error.uri === "com.example.bad" && error.text === "text");
});

test("an aborted signal cancels the call, which ends with the router's answer", async () => {
  const { session, socket } = await joined();
  const stop = new AbortController();
  const call = session.call("a", [], {}, { signal: stop.signal });
  stop.abort();
  assert.deepEqual(socket.heard(), [49, 1, { mode: "killnowait" }]);
  socket.says(8, 48, 1, {}, "wamp.error.canceled");
  await assert.rejects(call, WampError);
});

test("an event in the same breath as SUBSCRIBED is not lost; the last handler unsubscribes", async () => {
  const { session, socket } = await joined();
  const heard: Json[] = [];
  const one = session.subscribe("t", { match: "prefix" }, ({ args }) => heard.push(...args));
  assert.deepEqual(socket.heard(), [32, 1, { match: "prefix" }, "t"]);
  socket.says(33, 1, 9);
  socket.says(36, 9, 1, {}, ["now"]);
  const other = session.subscribe("t", { match: "prefix" }, () => undefined);
  socket.says(33, 2, 9);
  const [endOne, endOther] = [await one, await other];
  assert.deepEqual(heard, ["now"]);
  socket.sent = [];
  endOne();
  endOne();
  assert.deepEqual(socket.sent, []);
  endOther();
  assert.deepEqual(socket.heard(), [34, 3, 9]);
  socket.says(36, 9, 2, {}, ["late"]);
  assert.deepEqual(heard, ["now"]);
});

test("who listens anew before the first SUBSCRIBE was answered goes on hearing", async () => {
  const { session, socket } = await joined();
  const heard: Json[] = [];
  const listener = ({ args }: { args: Json[] }) => heard.push(...args);
  const first = session.subscribe("t", {}, listener).then((end) => end()); // who asked is gone already
  const second = session.subscribe("t", {}, listener);
  socket.says(33, 1, 9);
  await first;
  assert.deepEqual(socket.sent.map(([code]) => code), [32, 32]); // the router would take an UNSUBSCRIBE as that of both
  socket.says(33, 2, 9);
  const end = await second;
  socket.says(36, 9, 1, {}, ["now"]);
  assert.deepEqual(heard, ["now"]);
  end();
  assert.deepEqual(socket.heard(), [34, 3, 9]);
});

test("what nobody listens to is let go once a SUBSCRIBE that was under way has failed", async () => {
  const { session, socket } = await joined();
  const first = session.subscribe("t", {}, () => undefined);
  const other = session.subscribe("forbidden", {}, () => undefined);
  socket.says(33, 1, 9);
  (await first)();
  assert.deepEqual(socket.sent.map(([code]) => code), [32, 32]);
  socket.says(8, 32, 2, {}, "wamp.error.not_authorized");
  await assert.rejects(other, WampError);
  assert.deepEqual(socket.heard(), [34, 3, 9]);
});

test("a subscription that the router takes away is told to its listeners, and nothing is sent for it", async () => {
  const { session, socket, endings } = await joined();
  const heard: Json[] = [], revoked: string[] = [];
  const listening = session.subscribe("t", {}, ({ args }) => heard.push(...args), () => revoked.push("t"));
  socket.says(33, 1, 9);
  const end = await listening;
  socket.sent = [];
  socket.says(35, 0, { subscription: 9, reason: "wampd.revoked.not_allowed" });
  socket.says(35, 0, { subscription: 10 }); // that was let go meanwhile
  socket.says(36, 9, 1, {}, ["late"]);
  end();
  assert.deepEqual([revoked, heard, socket.sent, endings], [["t"], [], [], []]);
});

test("what is published on a connection that is gone is not told to have been sent", async () => {
  const { session, socket } = await joined();
  socket.readyState = 2;
  await assert.rejects(session.publish("t", [], {}, {}), Ended);
  socket.onclose();
  await assert.rejects(session.publish("t", [], {}, {}), Ended);
});

test("a router that does not even answer a CANCEL is lost", async (context) => {
  const { session, socket, endings } = await joined();
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const stop = new AbortController();
  const [answered, unanswered] = [session.call("a", [], {}, { signal: stop.signal }), session.call("b", [], {}, { signal: stop.signal })];
  stop.abort();
  socket.says(8, 48, 1, {}, "wamp.error.canceled");
  await assert.rejects(answered, WampError);
  context.mock.timers.tick(60_000);
  await assert.rejects(unanswered, Ended);
  assert.deepEqual(endings.map(({ kind }) => kind), ["lost"]);
});

test("a router that answers its CANCELs stays", async (context) => {
  const { session, socket, endings } = await joined();
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const stop = new AbortController();
  const call = session.call("a", [], {}, { signal: stop.signal });
  stop.abort();
  socket.says(8, 48, 1, {}, "wamp.error.canceled");
  await assert.rejects(call, WampError);
  context.mock.timers.tick(60_000);
  assert.deepEqual(endings, []);
});

test("a router that lets nobody in is not waited for without end", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const endings: Ending[] = [];
  const coming = join("ws://x/ws", "r", { method: "anonymous", authid: "", secret: "" }, (why) => endings.push(why));
  Socket.last.onopen();
  context.mock.timers.tick(60_000);
  await assert.rejects(coming, Ended);
  assert.deepEqual(endings.map(({ kind }) => kind), ["lost"]);
  assert.equal(Socket.last.readyState, 3);
});

test("publishing waits for PUBLISHED only if it asks for that", async () => {
  const { session, socket } = await joined();
  assert.equal(await session.publish("t", [1], {}, { exclude_me: false }), null);
  assert.deepEqual(socket.heard(), [16, 1, { exclude_me: false }, "t", [1]]);
  const published = session.publish("t", [], {}, { acknowledge: true });
  socket.says(17, 2, 4711);
  assert.equal(await published, 4711);
});

test("GOODBYE of the router ends everything that waits, is answered, and tells why", async () => {
  const { session, socket, endings } = await joined();
  const call = session.call("a");
  socket.says(6, { message: "go" }, "wamp.close.killed");
  assert.deepEqual(socket.heard(), [6, {}, "wamp.close.goodbye_and_out"]);
  await assert.rejects(call, Ended);
  await assert.rejects(session.call("b"), Ended);
  assert.deepEqual(endings, [{ kind: "goodbye", reason: "wamp.close.killed", message: "go" }]);
});

test("a lost connection is told once", async () => {
  const { socket, endings } = await joined();
  socket.onclose();
  socket.onclose();
  assert.deepEqual(endings.map(({ kind }) => kind), ["lost"]);
});

for (const nonsense of ["{}", "nonsense", "[99]", "[50, 12345, {}]", "[17, 1, 2]"]) {
  test(`what no router says ends the session: ${nonsense}`, async () => {
    const { socket, endings } = await joined();
    socket.onmessage?.({ data: nonsense });
    assert.deepEqual(endings.map(({ reason }) => reason), ["wamp.error.protocol_violation"]);
  });
}

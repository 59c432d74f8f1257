// wampy.js against a router: `node wampy_client.js SCENARIO` prints the facts as JSON.
import { Wampy } from "wampy";
import { CborSerializer } from "wampy/CborSerializer.js";
import { JsonSerializer } from "wampy/JsonSerializer.js";
import { MsgpackSerializer } from "wampy/MsgpackSerializer.js";
import WebSocket from "ws";
import { hold, lookUp, serializer, ticketOf, until, url } from "./scenarios.js";

const serializers = { json: JsonSerializer, msgpack: MsgpackSerializer, cbor: CborSerializer };
const sessions = [];

/** A session: in `realm1`, or as somebody in the realm `guarded`. */
async function join(authid) {
  const who = authid
    ? { realm: "guarded", authid, authmethods: ["ticket"], onChallenge: () => ticketOf(authid) }
    : { realm: "realm1" };
  const session = new Wampy(url, { ws: WebSocket, serializer: new serializers[serializer](), ...who });
  await session.connect();
  sessions.push(session);
  return session;
}

async function leave() {
  for (const session of sessions) await session.disconnect();
}

/** The URI and the arguments of the error that something ends with. */
async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return [error.errorUri, error.argsList ?? []];
  }
  return ["no error", []];
}

const nothingAs = (value) => value ?? null;
const first = (result) => result.argsList[0];

const scenarios = {
  async calls() {
    const [callee, caller] = [await join(), await join()];
    await callee.register("com.interop.both", ({ argsList, argsDict }) => ({ argsList: [[argsList, argsDict]] }));
    await callee.register("com.interop.broken", ({ argsList, error_handler }) => {
      error_handler({ error: "com.interop.error.broken", argsList: [argsList[0], 42] });
      return null;
    });
    const payload = { argsList: [1, "zwei ☃", null], argsDict: { deep: { a: [1.5] } } };
    const facts = {
      both: first(await caller.call("com.interop.both", payload)),
      error: await failure(caller.call("com.interop.broken", ["bulb"])),
      taken: (await failure(caller.register("com.interop.both", () => null)))[0],
    };
    await callee.unregister("com.interop.broken");
    facts.gone = (await failure(caller.call("com.interop.broken", ["bulb"])))[0];
    return facts;
  },

  async cancel() {
    const caller = await join();
    const before = first(await caller.call("com.host.waiting"));
    const canceled = first(await caller.call("com.host.canceled"));
    const ended = failure(caller.call("com.host.wait"));
    const { reqId } = caller.getOpStatus();
    await until(async () => first(await caller.call("com.host.waiting")) > before);
    caller.cancel(reqId, { mode: "killnowait" });
    const [error] = await ended;
    await until(async () => first(await caller.call("com.host.canceled")) > canceled);
    return { error, interrupted: [true] };
  },

  async patterns() {
    const [subscriber, publisher] = [await join(), await join()];
    const heard = { exact: [], prefix: [], wildcard: [] };
    for (const [match, topic] of [
      ["exact", "com.interop.door.open"],
      ["prefix", "com.interop.door"],
      ["wildcard", "com.interop..open"],
    ]) {
      // Of an exact subscription the library does not tell the topic.
      const handler = ({ details, argsList }) => heard[match].push([details.topic ?? topic, ...argsList]);
      await subscriber.subscribe(topic, handler, { match });
    }
    for (const [number, topic] of ["door.open", "doors", "lid.open", "lid.shut"].entries()) {
      await publisher.publish(`com.interop.${topic}`, [number]);
    }
    await until(() => Object.values(heard).flat().length >= 5);
    for (const [match, procedure] of [
      ["exact", "com.interop.lamp.on"],
      ["prefix", "com.interop.lamp"],
      ["wildcard", "org.interop..on"],
    ]) {
      const endpoint = ({ details }) => ({ argsList: [[match, details.procedure ?? procedure]] });
      await subscriber.register(procedure, endpoint, { match });
    }
    const called = [];
    for (const procedure of ["com.interop.lamp.on", "com.interop.lamps", "org.interop.lamp.on"]) {
      called.push(first(await publisher.call(procedure)));
    }
    return { heard, called };
  },

  async identification() {
    const [joe, ann] = [await join("joe"), await join("ann")];
    const id = joe.getSessionId();
    const heard = [];
    const handler = ({ details }) =>
      heard.push([details.publisher === id, details.publisher_authid, details.publisher_authrole].map(nothingAs));
    const who = ({ details }) => ({
      argsList: [[details.caller === id, details.caller_authid, details.caller_authrole].map(nothingAs)],
    });
    await ann.subscribe("com.news", handler);
    await ann.register("com.who", who);
    await joe.publish("com.news", null, { disclose_me: true });
    await joe.publish("com.news", null);
    await until(() => heard.length === 2);
    const called = [await joe.call("com.who", null, { disclose_me: true }), await joe.call("com.who")];
    return { heard, called: called.map(first) };
  },

  async lists() {
    const people = { ann: await join("ann"), bob: await join("bob") };
    const joe = await join("joe");
    const heard = { ann: [], bob: [] };
    for (const name of Object.keys(people)) {
      await people[name].subscribe("com.listed", ({ argsList }) => heard[name].push(argsList[0]));
    }
    const ann = people.ann.getSessionId();
    for (const [number, options] of [
      { exclude: [ann] },
      { eligible: [ann] },
      { exclude_authid: ["bob"] },
      { eligible_authid: ["bob", "nobody"] },
      { exclude_authrole: ["member"] },
      { eligible_authrole: ["member"] },
      { eligible_authrole: ["member", "guest"], exclude: [ann] },
      null, // the library refuses an empty list
      {},
    ].entries()) {
      if (options) await joe.publish("com.listed", [number], options);
    }
    await until(() => Object.values(heard).every((numbers) => numbers.includes(8)));
    return heard;
  },

  async progress() {
    const caller = await join();
    const parts = [];
    const progress_callback = (part) => parts.push(first(part));
    const result = await caller.call("com.host.count", [3], { progress_callback });
    return { parts, result: first(result), without: first(await caller.call("com.host.count", [3])) };
  },

  async timeout() {
    const caller = await join();
    const canceled = first(await caller.call("com.host.canceled"));
    const began = Date.now();
    const [error] = await failure(caller.call("com.host.wait", null, { timeout: 300 }));
    const took = Date.now() - began;
    await until(async () => first(await caller.call("com.host.canceled")) > canceled);
    return { error, "in time": 250 < took && took < 3000, interrupted: [true] };
  },

  async sharing() {
    const [caller, ...callees] = [await join(), await join(), await join(), await join()];
    const facts = {};
    for (const invoke of ["roundrobin", "first", "last"]) {
      const procedure = `com.interop.shared.${invoke}`;
      const answer = (number) => () => ({ argsList: [number] });
      for (const [number, callee] of callees.entries()) await callee.register(procedure, answer(number), { invoke });
      facts[invoke] = [];
      for (let turn = 0; turn < 5; turn += 1) facts[invoke].push(first(await caller.call(procedure)));
      const other = caller.register(procedure, answer(9), { invoke: "random" });
      facts[`${invoke} against random`] = (await failure(other))[0];
    }
    return facts;
  },

  async retention() {
    const session = await join();
    const topic = "com.interop.kept.wampy_js";
    const heard = [];
    const publish = (text, retain) => session.call("com.host.publish", [topic, text, retain]); // it cannot say retain
    await publish("old", true);
    await publish("kept", true);
    await publish("passing", false);
    const handler = ({ details, argsList }) => heard.push([argsList[0], details.retained ?? false]);
    await session.subscribe(topic, handler, { get_retained: true });
    await publish("live", false);
    await until(() => heard.length === 2);
    return { heard };
  },

  async testaments() {
    const [heir, owner] = [await join(), await join()];
    const heard = [];
    await heir.subscribe("com.interop.will", ({ argsList, argsDict = {} }) => heard.push([argsList, argsDict]));
    const add = (args, kwargs, more = {}) =>
      owner.call("wamp.session.add_testament", { argsList: ["com.interop.will", args, kwargs], argsDict: more });
    await add(["flushed"], {}, { scope: "detached" });
    await owner.call("wamp.session.flush_testaments", { argsList: [], argsDict: { scope: "detached" } });
    await add(["last"], { words: "adieu" });
    await add(["first"], {}, { scope: "detached" });
    const [wrong] = await failure(add([], {}, { scope: "whenever" }));
    await sessions.pop().disconnect();
    await until(() => heard.length === 2);
    return { heard, wrong };
  },

  async meta() {
    const watcher = await join();
    const call = async (procedure, argsList = [], argsDict = {}) =>
      first(await watcher.call(procedure, { argsList, argsDict }));
    const [joined, left] = [[], []];
    await watcher.subscribe("wamp.session.on_join", ({ argsList }) => joined.push(argsList[0]));
    await watcher.subscribe("wamp.session.on_leave", ({ argsList }) => left.push(argsList[0]));
    const before = await call("wamp.session.count");
    const guest = await join();
    const id = guest.getSessionId();
    await until(() => joined.length);
    const details = await call("wamp.session.get", [id]);
    const facts = {
      "one more": (await call("wamp.session.count")) - before,
      listed: (await call("wamp.session.list")).includes(id),
      joined: [joined[0].session === id, joined[0].authrole],
      got: [details.session === id, details.authmethod],
      nobody: (await failure(call("wamp.session.get", [1])))[0],
    };
    const { registrationId } = await guest.register("com.interop.offer", () => null);
    const { subscriptionId } = await guest.subscribe("com.interop.theme", () => null);
    facts.registration = await lookUp(call, "registration", "com.interop.offer", registrationId, "callees", id);
    facts.subscription = await lookUp(call, "subscription", "com.interop.theme", subscriptionId, "subscribers", id);
    return facts;
  },
};

await hold(scenarios, leave);

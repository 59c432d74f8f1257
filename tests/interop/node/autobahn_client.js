// autobahn-js against a router: `node autobahn_client.js SCENARIO` prints the facts as JSON.
import autobahn from "autobahn";
import { hold, lookUp, serializer, ticketOf, until, url } from "./scenarios.js";

const serializers = {
  json: autobahn.serializer.JSONSerializer,
  msgpack: autobahn.serializer.MsgpackSerializer,
  cbor: autobahn.serializer.CBORSerializer,
};
const connections = [];
const acknowledged = { acknowledge: true };

/** A session: in `realm1`, or as somebody in the realm `guarded`. */
function join(authid) {
  const who = authid
    ? { realm: "guarded", authid, authmethods: ["ticket"], onchallenge: () => ticketOf(authid) }
    : { realm: "realm1" };
  const connection = new autobahn.Connection({
    transports: [{ type: "websocket", url, serializers: [new serializers[serializer]()] }],
    max_retries: 0,
    ...who,
  });
  connections.push(connection);
  return new Promise((resolve, reject) => {
    connection.onopen = resolve;
    connection.onclose = (reason, details) => {
      reject(new Error(`${reason}: ${JSON.stringify(details)}`)); // of no effect once it is open
      return true;
    };
    connection.open();
  });
}

async function leave() {
  for (const connection of connections) if (connection.isOpen) connection.close();
}

/** The URI and the arguments of the error that something ends with. */
async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return [error.error, error.args];
  }
  return ["no error", []];
}

const nothingAs = (value) => value ?? null;

const scenarios = {
  async calls() {
    const [callee, caller] = [await join(), await join()];
    await callee.register("com.interop.both", (args, kwargs) => [args, kwargs]);
    const registration = await callee.register("com.interop.broken", ([reason]) => {
      throw new autobahn.Error("com.interop.error.broken", [reason, 42]);
    });
    const facts = {
      both: await caller.call("com.interop.both", [1, "zwei ☃", null], { deep: { a: [1.5] } }),
      error: await failure(caller.call("com.interop.broken", ["bulb"])),
      taken: (await failure(caller.register("com.interop.both", () => 1)))[0],
    };
    await registration.unregister();
    facts.gone = (await failure(caller.call("com.interop.broken", ["bulb"])))[0];
    return facts;
  },

  // With kill the library waits for the callee's answer; without, it does not wait for the router.
  async cancel() {
    const caller = await join();
    const [before, canceled] = [await caller.call("com.host.waiting"), await caller.call("com.host.canceled")];
    const call = caller.call("com.host.wait");
    await until(async () => (await caller.call("com.host.waiting")) > before);
    call.cancel({ mode: "kill" });
    const [error] = await failure(call);
    return { error, interrupted: [(await caller.call("com.host.canceled")) > canceled] };
  },

  async patterns() {
    const [subscriber, publisher] = [await join(), await join()];
    const heard = { exact: [], prefix: [], wildcard: [] };
    for (const [match, topic] of [
      ["exact", "com.interop.door.open"],
      ["prefix", "com.interop.door"],
      ["wildcard", "com.interop..open"],
    ]) {
      const handler = (args, kwargs, details) => heard[match].push([details.topic, ...args]);
      await subscriber.subscribe(topic, handler, { match });
    }
    for (const [number, topic] of ["door.open", "doors", "lid.open", "lid.shut"].entries()) {
      await publisher.publish(`com.interop.${topic}`, [number], {}, acknowledged);
    }
    await until(() => Object.values(heard).flat().length >= 5);
    for (const [match, procedure] of [
      ["exact", "com.interop.lamp.on"],
      ["prefix", "com.interop.lamp"],
      ["wildcard", "org.interop..on"],
    ]) {
      await subscriber.register(procedure, (args, kwargs, details) => [match, details.procedure], { match });
    }
    const called = [];
    for (const procedure of ["com.interop.lamp.on", "com.interop.lamps", "org.interop.lamp.on"]) {
      called.push(await publisher.call(procedure));
    }
    return { heard, called };
  },

  async identification() {
    const [joe, ann] = [await join("joe"), await join("ann")];
    const heard = [];
    const handler = (args, kwargs, details) =>
      heard.push([details.publisher === joe.id, details.publisher_authid, details.publisher_authrole].map(nothingAs));
    const who = (args, kwargs, details) =>
      [details.caller === joe.id, details.caller_authid, details.caller_authrole].map(nothingAs);
    await ann.subscribe("com.news", handler);
    await ann.register("com.who", who);
    await joe.publish("com.news", [], {}, { disclose_me: true, ...acknowledged });
    await joe.publish("com.news", [], {}, acknowledged);
    await until(() => heard.length === 2);
    return { heard, called: [await joe.call("com.who", [], {}, { disclose_me: true }), await joe.call("com.who")] };
  },

  async lists() {
    const people = { ann: await join("ann"), bob: await join("bob") };
    const joe = await join("joe");
    const heard = { ann: [], bob: [] };
    for (const name of Object.keys(people)) {
      await people[name].subscribe("com.listed", ([number]) => heard[name].push(number));
    }
    for (const [number, options] of [
      { exclude: [people.ann.id] },
      { eligible: [people.ann.id] },
      { exclude_authid: ["bob"] },
      { eligible_authid: ["bob", "nobody"] },
      { exclude_authrole: ["member"] },
      { eligible_authrole: ["member"] },
      { eligible_authrole: ["member", "guest"], exclude: [people.ann.id] },
      { eligible: [] },
      {},
    ].entries()) {
      await joe.publish("com.listed", [number], {}, { ...options, ...acknowledged });
    }
    await until(() => Object.values(heard).every((numbers) => numbers.includes(8)));
    return heard;
  },

  async exclusion() {
    const session = await join();
    const heard = [];
    await session.subscribe("com.interop.own", ([text]) => heard.push(text));
    await session.publish("com.interop.own", ["excluded"], {}, acknowledged);
    await session.publish("com.interop.own", ["included"], {}, { exclude_me: false, ...acknowledged });
    await until(() => heard.length);
    return { heard };
  },

  async progress() {
    const caller = await join();
    const parts = [];
    const result = await caller
      .call("com.host.count", [3], {}, { receive_progress: true })
      .then((last) => last, null, (part) => parts.push(part));
    return { parts, result, without: await caller.call("com.host.count", [3]) };
  },

  async timeout() {
    const caller = await join();
    const canceled = await caller.call("com.host.canceled");
    const began = Date.now();
    const [error] = await failure(caller.call("com.host.wait", [], {}, { timeout: 300 }));
    const took = Date.now() - began;
    await until(async () => (await caller.call("com.host.canceled")) > canceled);
    return { error, "in time": 250 < took && took < 3000, interrupted: [true] };
  },

  async sharing() {
    const [caller, ...callees] = [await join(), await join(), await join(), await join()];
    const facts = {};
    for (const invoke of ["roundrobin", "first", "last"]) {
      const procedure = `com.interop.shared.${invoke}`;
      for (const [number, callee] of callees.entries()) await callee.register(procedure, () => number, { invoke });
      facts[invoke] = [];
      for (let turn = 0; turn < 5; turn += 1) facts[invoke].push(await caller.call(procedure));
      const other = caller.register(procedure, () => 9, { invoke: "random" });
      facts[`${invoke} against random`] = (await failure(other))[0];
    }
    return facts;
  },

  async retention() {
    const [publisher, subscriber] = [await join(), await join()];
    const topic = "com.interop.kept.autobahn_js";
    const heard = [];
    await publisher.publish(topic, ["old"], {}, { retain: true, ...acknowledged });
    await publisher.publish(topic, ["kept"], {}, { retain: true, ...acknowledged });
    await publisher.publish(topic, ["passing"], {}, acknowledged);
    const handler = ([text], kwargs, details) => heard.push([text, details.retained]);
    await subscriber.subscribe(topic, handler, { get_retained: true });
    await publisher.publish(topic, ["live"], {}, acknowledged);
    await until(() => heard.length === 2);
    return { heard };
  },

  async testaments() {
    const [heir, owner] = [await join(), await join()];
    const heard = [];
    await heir.subscribe("com.interop.will", (args, kwargs) => heard.push([args, kwargs]));
    const add = (args, kwargs, more) => owner.call("wamp.session.add_testament", ["com.interop.will", args, kwargs], more);
    await add(["flushed"], {}, { scope: "detached" });
    await owner.call("wamp.session.flush_testaments", [], { scope: "detached" });
    await add(["last"], { words: "adieu" });
    await add(["first"], {}, { scope: "detached" });
    const [wrong] = await failure(add([], {}, { scope: "whenever" }));
    connections[1].close();
    await until(() => heard.length === 2);
    return { heard, wrong };
  },

  async meta() {
    const watcher = await join();
    const call = (procedure, args = [], kwargs = {}) => watcher.call(procedure, args, kwargs);
    const [joined, left] = [[], []];
    await watcher.subscribe("wamp.session.on_join", ([details]) => joined.push(details));
    await watcher.subscribe("wamp.session.on_leave", ([session]) => left.push(session));
    const before = await call("wamp.session.count");
    const guest = await join();
    const { id } = guest;
    await until(() => joined.length);
    const details = await call("wamp.session.get", [id]);
    const facts = {
      "one more": (await call("wamp.session.count")) - before,
      listed: (await call("wamp.session.list")).includes(id),
      joined: [joined[0].session === id, joined[0].authrole],
      got: [details.session === id, details.authmethod],
      nobody: (await failure(call("wamp.session.get", [1])))[0],
    };
    const registration = await guest.register("com.interop.offer", () => null);
    const subscription = await guest.subscribe("com.interop.theme", () => null);
    facts.registration = await lookUp(call, "registration", "com.interop.offer", registration.id, "callees", id);
    facts.subscription = await lookUp(call, "subscription", "com.interop.theme", subscription.id, "subscribers", id);
    const killed = new Promise((resolve) => {
      connections[1].onclose = (_, { reason }) => resolve(reason) ?? true;
    });
    await call("wamp.session.kill", [id], { reason: "com.interop.enough" });
    facts["killed for"] = await killed;
    await until(() => left.length);
    facts.left = left[0] === id;
    return facts;
  },
};

await hold(scenarios, leave);

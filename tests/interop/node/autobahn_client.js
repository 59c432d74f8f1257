// autobahn-js against a router: `node autobahn_client.js SCENARIO` prints the facts as JSON.
import autobahn from "autobahn";
import { hold, serializer, ticketOf, until, url } from "./scenarios.js";

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
};

await hold(scenarios, leave);

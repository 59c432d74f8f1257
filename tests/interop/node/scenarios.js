// The scenarios in Node.js, the same for each client library. `node CLIENT.js SCENARIO` holds one and prints the facts as a line
// of JSON after "facts: ". The environment: WAMP_URL (ws://…) and WAMP_SERIALIZER (json, msgpack or cbor).
//
// A client is {join(authid), enter(realm, method, authid, secret), fail(uri, args), errorOf(error), name, cannot}; entering
// tells {authid, authrole, authmethod} or {refused}, and leaves. A session, in the words of all of them:
//   id
//   call(procedure, args, kwargs, options)      the first result; options.onPart is given the parts of the answer
//   start(procedure)                            {ended, cancel(mode)} of a call
//   publish(topic, args, options)               when it is acknowledged
//   subscribe(topic, handler, options)          its id; handler(args, kwargs, details)
//   register(procedure, endpoint, options, onRevoked)   its id; endpoint(args, kwargs, details) gives one result, or throws
//                                               `fail`; onRevoked(reason) if the router takes it away, and the library tells
//   unregister(procedure), leave()
//   left                                        for what reason the session was ended, if the library tells

const PATIENCE_MS = 20_000;

/** Wait until something is so. */
async function until(condition, times = 1) {
  const deadline = Date.now() + times * PATIENCE_MS;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`it did not come: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Where a client connects, and the ticket that it shows. */
export const url = process.env.WAMP_URL;
export const serializer = process.env.WAMP_SERIALIZER;
export const ticketOf = (authid) => `hunter2-of-${authid}`;

/** Hold the scenario that the command line names, say what came of it, and leave. */
export async function hold(client) {
  const sessions = [];
  const join = async (authid) => {
    const session = await client.join(authid);
    sessions.push(session);
    return session;
  };
  const facts = await scenarios(client, join)[process.argv[2]]();
  console.log(`facts: ${JSON.stringify(facts)}`);
  for (const session of sessions) await session.leave();
}

function scenarios(client, join) {
  /** The URI and the arguments of the error that something ends with. */
  async function failure(promise) {
    try {
      await promise;
    } catch (error) {
      return client.errorOf(error);
    }
    return ["no error", []];
  }

  const who = ({ id }, details, role) =>
    [details[role] === id, details[`${role}_authid`], details[`${role}_authrole`]].map((value) => value ?? null);

  const joinAll = async (count) => {
    const joined = [];
    while (joined.length < count) joined.push(await join());
    return joined;
  };

  /** What the meta API says of a registration or subscription of one session. */
  const lookUp = async (watcher, kind, members, uri, id, session) => [
    (await watcher.call(`wamp.${kind}.lookup`, [uri])) === id,
    [await watcher.call(`wamp.${kind}.match`, [uri])].flat().includes(id),
    (await watcher.call(`wamp.${kind}.get`, [id])).uri,
    JSON.stringify(await watcher.call(`wamp.${kind}.list_${members}`, [id])) === JSON.stringify([session.id]),
    await watcher.call(`wamp.${kind}.count_${members}`, [id]),
  ];

  return {
    async calls() {
      const [callee, caller] = await joinAll(2);
      await callee.register("com.interop.both", (args, kwargs) => [args, kwargs]);
      await callee.register("com.interop.broken", ([reason]) => {
        throw client.fail("com.interop.error.broken", [reason, 42]);
      });
      const facts = {
        both: await caller.call("com.interop.both", [1, "zwei ☃", null], { deep: { a: [1.5] } }),
        error: await failure(caller.call("com.interop.broken", ["bulb"])),
        taken: (await failure(caller.register("com.interop.both", () => 1)))[0],
      };
      await callee.unregister("com.interop.broken");
      facts.gone = (await failure(caller.call("com.interop.broken", ["bulb"])))[0];
      return facts;
    },

    async cancel() {
      const caller = await join();
      const waiting = await caller.call("com.host.waiting");
      const canceled = await caller.call("com.host.canceled");
      const call = caller.start("com.host.wait");
      const ended = failure(call.ended);
      await until(async () => (await caller.call("com.host.waiting")) > waiting);
      call.cancel(client.name === "autobahn" ? "kill" : "killnowait"); // autobahn-js waits for an answer only with kill
      const [error] = await ended;
      await until(async () => (await caller.call("com.host.canceled")) > canceled);
      return { error, interrupted: [true] };
    },

    async patterns() {
      const [subscriber, publisher] = await joinAll(2);
      const heard = { exact: [], prefix: [], wildcard: [] };
      for (const [match, topic] of [
        ["exact", "com.interop.door.open"],
        ["prefix", "com.interop.door"],
        ["wildcard", "com.interop..open"],
      ]) {
        await subscriber.subscribe(topic, (args, _, details) => heard[match].push([details.topic, ...args]), { match });
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
      await ann.subscribe("com.news", (args, kwargs, details) => heard.push(who(joe, details, "publisher")));
      await ann.register("com.who", (args, kwargs, details) => who(joe, details, "caller"));
      await joe.publish("com.news", [], { disclose_me: true });
      await joe.publish("com.news");
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
        client.cannot.includes("empty lists") ? { exclude: [people.ann.id, people.bob.id] } : { eligible: [] },
        {},
      ].entries()) {
        await joe.publish("com.listed", [number], options);
      }
      await until(() => Object.values(heard).every((numbers) => numbers.includes(8)));
      return heard;
    },

    async exclusion() {
      const session = await join();
      const heard = [];
      await session.subscribe("com.interop.own", ([text]) => heard.push(text));
      await session.publish("com.interop.own", ["excluded"]);
      await session.publish("com.interop.own", ["included"], { exclude_me: false });
      await until(() => heard.length);
      return { heard };
    },

    async progress() {
      const caller = await join();
      const parts = [];
      const result = await caller.call("com.host.count", [3], {}, { onPart: (part) => parts.push(part) });
      return { parts, result, without: await caller.call("com.host.count", [3]) };
    },

    async streaming() {
      const [callee, caller] = await joinAll(2);
      await callee.register("com.interop.stream", ([count], _, { progress }) => {
        for (let part = 0; progress && part < count; part++) progress([part]);
        return "done";
      });
      const parts = [];
      const result = await caller.call("com.interop.stream", [3], {}, { onPart: (part) => parts.push(part) });
      return { parts, result, without: await caller.call("com.interop.stream", [3]) };
    },

    async timeout() {
      const caller = await join();
      const canceled = await caller.call("com.host.canceled");
      const began = Date.now();
      const [error] = await failure(caller.call("com.host.wait", [], {}, { timeout: 300 }));
      const took = Date.now() - began;
      await until(async () => (await caller.call("com.host.canceled")) > canceled);
      return { error, "in time": 250 < took && took < PATIENCE_MS, interrupted: [true] };
    },

    async takeover() {
      const [caller, old, newer] = [await join("joe"), await join("ann"), await join("joe")];
      const told = [];
      await old.register("com.interop.place", () => "old", {}, (reason) => told.push(reason));
      const facts = { before: await caller.call("com.interop.place") };
      await newer.register("com.interop.place", () => "new", { force_reregister: true });
      await until(() => told.length);
      facts.after = await caller.call("com.interop.place");
      return { ...facts, "old is well": await old.call("com.interop.place"), told };
    },

    async sharing() {
      const [caller, ...callees] = await joinAll(4);
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
      const [publisher, subscriber] = await joinAll(2);
      const topic = `com.interop.kept.${client.name}`;
      const heard = [];
      const publish = (text, retain) =>
        client.cannot.includes("retain")
          ? publisher.call("com.host.publish", [topic, text, retain])
          : publisher.publish(topic, [text], { retain });
      await publish("old", true);
      await publish("kept", true);
      await publish("passing", false);
      const handler = ([text], kwargs, details) => heard.push([text, details.retained ?? false]);
      await subscriber.subscribe(topic, handler, { get_retained: true });
      await publish("live", false);
      await until(() => heard.length === 2);
      return { heard };
    },

    async history() {
      const [publisher, reader] = await joinAll(2);
      for (const number of [0, 1, 2]) await publisher.publish("com.interop.log", [number]);
      const subscription = await reader.subscribe("com.interop.log", () => null);
      const bounds = { reverse: true, limit: 2 };
      const events = await reader.call("wamp.subscription.get_events", [subscription], bounds);
      return { newest: events.map(({ args }) => args) };
    },

    async removal() {
      const [publisher, subscriber] = await joinAll(2);
      const heard = [];
      const hear = ([text]) => heard.push(text);
      const subscription = await subscriber.subscribe("com.interop.removed", hear);
      await publisher.publish("com.interop.removed", ["before"]);
      await publisher.call("wamp.subscription.remove_subscriber", [subscription, subscriber.id]);
      await publisher.publish("com.interop.removed", ["after"]);
      await subscriber.subscribe("com.interop.fence", hear);
      await publisher.publish("com.interop.fence", ["fence"]);
      await until(() => heard.includes("fence"));
      return { heard };
    },

    async trust() {
      const [joe, ann, bob] = [await join("joe"), await join("ann"), await join("bob")];
      const heard = [];
      await ann.subscribe("com.trusted", (args, kwargs, { trustlevel }) => heard.push(trustlevel ?? null));
      await ann.register("com.trusting", (args, kwargs, { trustlevel }) => trustlevel ?? null);
      for (const session of [joe, bob]) await session.publish("com.trusted");
      await until(() => heard.length === 2);
      return { heard, called: [await joe.call("com.trusting"), await bob.call("com.trusting")] };
    },

    async testaments() {
      const [heir, owner] = await joinAll(2);
      const heard = [];
      await heir.subscribe("com.interop.will", (args, kwargs) => heard.push([args, kwargs]));
      const add = (args, kwargs, more) =>
        owner.call("wamp.session.add_testament", ["com.interop.will", args, kwargs], more);
      await add(["flushed"], {}, { scope: "detached" });
      await owner.call("wamp.session.flush_testaments", [], { scope: "detached" });
      await add(["last"], { words: "adieu" });
      await add(["first"], {}, { scope: "detached" });
      const [wrong] = await failure(add([], {}, { scope: "whenever" }));
      await owner.leave();
      await until(() => heard.length === 2);
      return { heard, wrong };
    },

    async reflection() {
      const [author, reader] = await joinAll(2);
      const heard = [];
      const uri = "com.interop.described";
      await reader.subscribe("wamp.reflect.on_define", ([defined]) => heard.push(defined));
      await author.register(uri, () => null);
      await author.call("wamp.reflect.define", [uri, { type: "procedure", title: "Nothing" }]);
      await until(() => heard.length);
      return {
        listed: (await reader.call("wamp.reflection.procedure.list")).includes(uri),
        described: await reader.call("wamp.reflection.procedure.describe", [uri]),
        heard,
      };
    },

    async passthru() {
      const [one, other] = await joinAll(2);
      const heard = [];
      await one.register("com.interop.sealed", ([word], { times }) => word.repeat(times));
      await one.subscribe("com.interop.secret", (args, kwargs, { ppt_scheme }) => heard.push([args, kwargs, ppt_scheme]));
      const sealed = { ppt_scheme: "x_own", ppt_serializer: "cbor" };
      const result = await other.call("com.interop.sealed", ["ha"], { times: 2 }, sealed);
      await other.publish("com.interop.secret", ["psst"], sealed);
      await until(() => heard.length);
      return { result, heard };
    },

    async neighbours() {
      const names = process.env.NEIGHBOURS.split(",");
      const session = await join();
      const farewells = [];
      await session.register(`com.neighbour.${client.name}.farewell`, ([name]) => farewells.push(name));
      const calledWhenThere = async (procedure, args) => {
        let result;
        await until(async () => {
          const [uri] = await failure(session.call(procedure, args).then((value) => (result = value)));
          if (!["no error", "wamp.error.no_such_procedure"].includes(uri)) throw new Error(uri);
          return uri === "no error";
        }, 3);
        return result;
      };
      await session.register(`com.neighbour.${client.name}.echo`, (args) => args);
      const value = [1, -1.5, 2 ** 40, "zwei ☃", null, { a: [true, []] }];
      const facts = {};
      for (const name of names) {
        const echo = await calledWhenThere(`com.neighbour.${name}.echo`, value);
        facts[name] = JSON.stringify(echo) === JSON.stringify(value);
      }
      for (const name of names) await session.call(`com.neighbour.${name}.farewell`, [client.name]);
      await until(() => farewells.length === names.length);
      await session.call(`com.neighbour.${client.name}.echo`, [1]); // on the way the last of them is answered, too
      return facts;
    },

    async authentication() {
      const [[method, { authid, ticket, secret = ticket }]] = Object.entries(JSON.parse(process.env.WAMP_AUTHENTICATION));
      return client.enter(process.env.WAMP_REALM, method, authid, secret);
    },

    async meta() {
      const watcher = await join();
      const [joined, left] = [[], []];
      await watcher.subscribe("wamp.session.on_join", ([details]) => joined.push(details));
      await watcher.subscribe("wamp.session.on_leave", ([session]) => left.push(session));
      const before = await watcher.call("wamp.session.count");
      const guest = await join();
      const { id } = guest;
      await until(() => joined.length);
      const details = await watcher.call("wamp.session.get", [id]);
      const facts = {
        "one more": (await watcher.call("wamp.session.count")) - before,
        listed: (await watcher.call("wamp.session.list")).includes(id),
        joined: [joined[0].session === id, joined[0].authrole],
        got: [details.session === id, details.authmethod],
        nobody: (await failure(watcher.call("wamp.session.get", [1])))[0],
      };
      const registration = await guest.register("com.interop.offer", () => null);
      const subscription = await guest.subscribe("com.interop.theme", () => null);
      facts.registration = await lookUp(watcher, "registration", "callees", "com.interop.offer", registration, guest);
      facts.subscription = await lookUp(watcher, "subscription", "subscribers", "com.interop.theme", subscription, guest);
      if (!client.cannot.includes("being killed")) {
        await watcher.call("wamp.session.kill", [id], { reason: "com.interop.enough" });
        facts["killed for"] = await guest.left;
        await until(() => left.length);
        facts.left = left[0] === id;
      }
      return facts;
    },
  };
}

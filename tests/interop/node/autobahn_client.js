// autobahn-js: what `scenarios.js` wants of a client, in its words.
import autobahn from "autobahn";
import nacl from "tweetnacl"; // which autobahn brings along
import { hold, serializer, ticketOf, url } from "./scenarios.js";

const serializers = {
  json: autobahn.serializer.JSONSerializer,
  msgpack: autobahn.serializer.MsgpackSerializer,
  cbor: autobahn.serializer.CBORSerializer,
};

/** Open a connection; when it is open, the session and what will be known when it has ended. */
function open(authid) {
  const who = authid
    ? { realm: "guarded", authid, authmethods: ["ticket"], onchallenge: () => ticketOf(authid) }
    : { realm: "realm1" };
  const transports = [{ type: "websocket", url, serializers: [new serializers[serializer]()] }];
  const connection = new autobahn.Connection({ transports, max_retries: 0, ...who });
  return new Promise((resolve, reject) => {
    const left = new Promise((end) => {
      connection.onclose = (reason, details) => {
        reject(new Error(`${reason}: ${JSON.stringify(details)}`)); // of no effect once it is open
        end(details.reason);
        return true;
      };
    });
    connection.onopen = (session) => resolve({ connection, session, left });
    connection.open();
  });
}

/** How the library answers a challenge. */
const keys = (seed) => nacl.sign.keyPair.fromSeed(Uint8Array.from(Buffer.from(seed, "hex")));

const prove = {
  cryptosign: (seed, extra) => autobahn.auth_cryptosign.sign_challenge(keys(seed), extra),
  ticket: (secret) => secret,
  wampcra: (secret, { challenge, salt, iterations, keylen }) =>
    autobahn.auth_cra.sign(salt ? autobahn.auth_cra.derive_key(secret, salt, iterations, keylen) : secret, challenge),
};

/** Join as somebody by a method, and leave. */
function enter(realm, method, authid, secret) {
  const connection = new autobahn.Connection({
    transports: [{ type: "websocket", url, serializers: [new serializers[serializer]()] }],
    max_retries: 0,
    realm,
    authid,
    authmethods: [method],
    authextra: method === "cryptosign" ? { pubkey: autobahn.auth_cryptosign.public_key(keys(secret)) } : undefined,
    onchallenge: (session, asked, extra) => prove[asked](secret, extra),
  });
  return new Promise((resolve) => {
    let facts;
    connection.onopen = (session, { authid, authrole, authmethod }) => {
      facts = { authid, authrole, authmethod };
      connection.close();
    };
    connection.onclose = (reason, details) => {
      resolve(facts ?? { refused: details.reason });
      return true;
    };
    connection.open();
  });
}

async function join(authid) {
  const { connection, session, left } = await open(authid);
  const registrations = new Map();
  return {
    id: session.id,
    left,
    call: (procedure, args, kwargs, { onPart, ...options } = {}) =>
      session
        .call(procedure, args, kwargs, onPart ? { receive_progress: true, ...options } : options)
        .then((result) => result, null, onPart),
    start: (procedure) => {
      const ended = session.call(procedure);
      return { ended, cancel: (mode) => ended.cancel({ mode }) };
    },
    publish: (topic, args, options) => session.publish(topic, args, {}, { acknowledge: true, ...options }),
    subscribe: async (topic, handler, options) => (await session.subscribe(topic, handler, options)).id,
    register: async (procedure, endpoint, options, onRevoked) => {
      const registration = await session.register(procedure, endpoint, options);
      registrations.set(procedure, registration);
      if (onRevoked) registration.on_unregister.then(onRevoked);
      return registration.id;
    },
    unregister: (procedure) => registrations.get(procedure).unregister(),
    leave: async () => {
      if (!connection.isOpen) return;
      connection.close();
      await left;
    },
  };
}

await hold({
  name: "autobahn",
  cannot: [],
  join,
  enter,
  fail: (uri, args) => new autobahn.Error(uri, args),
  errorOf: ({ error, args }) => [error, args],
});

// wampy.js: what `scenarios.js` wants of a client, in its words.
import { Wampy } from "wampy";
import { CborSerializer } from "wampy/CborSerializer.js";
import { JsonSerializer } from "wampy/JsonSerializer.js";
import { MsgpackSerializer } from "wampy/MsgpackSerializer.js";
import { sign } from "wampy/wampcra.js";
import WebSocket from "ws";
import { hold, serializer, ticketOf, url } from "./scenarios.js";

const serializers = { json: JsonSerializer, msgpack: MsgpackSerializer, cbor: CborSerializer };

class Failure extends Error {
  constructor(error, argsList) {
    super(error);
    this.answer = { error, argsList };
  }
}

const first = ({ argsList }) => argsList?.[0];

/** Join as somebody by a method, and leave. */
async function enter(realm, method, authid, secret) {
  const session = new Wampy(url, {
    ws: WebSocket,
    serializer: new serializers[serializer](),
    realm,
    authid,
    authmethods: [method],
    authMode: "auto",
    authPlugins: { wampcra: sign(secret) },
  });
  try {
    const { authid, authrole, authmethod } = await session.connect();
    await session.disconnect();
    return { authid, authrole, authmethod };
  } catch (error) {
    return { refused: error.errorUri };
  }
}

async function join(authid) {
  const who = authid
    ? { realm: "guarded", authid, authmethods: ["ticket"], onChallenge: () => ticketOf(authid) }
    : { realm: "realm1" };
  const payloadSerializers = { cbor: new CborSerializer() };
  const session = new Wampy(url, {
    ws: WebSocket,
    serializer: new serializers[serializer](),
    payloadSerializers,
    ...who,
  });
  await session.connect();

  const start = (procedure, argsList = [], argsDict = {}, { onPart, ...options } = {}) => {
    if (onPart) options.progress_callback = (part) => onPart(first(part));
    const ended = session.call(procedure, { argsList, argsDict }, options);
    const { reqId } = session.getOpStatus();
    return { ended, cancel: (mode) => session.cancel(reqId, { mode }) };
  };
  return {
    id: session.getSessionId(),
    start,
    call: async (...call) => first(await start(...call).ended),
    publish: (topic, args = [], options = undefined) => session.publish(topic, args, options),
    subscribe: async (topic, handler, options) => {
      const onEvent = ({ details, argsList = [], argsDict = {} }) => handler(argsList, argsDict, { topic, ...details });
      return (await session.subscribe(topic, onEvent, options)).subscriptionId;
    },
    register: async (procedure, endpoint, options) => {
      const onCall = ({ details, argsList = [], argsDict = {}, error_handler }) => {
        try {
          return { argsList: [endpoint(argsList, argsDict, { procedure, ...details })] };
        } catch (error) {
          error_handler(error.answer);
          return null;
        }
      };
      return (await session.register(procedure, onCall, options)).registrationId;
    },
    unregister: (procedure) => session.unregister(procedure),
    leave: async () => {
      if (session.getSessionId()) await session.disconnect();
    },
  };
}

await hold({
  name: "wampy",
  // It never says retain, refuses an empty list, and does not tell for what reason it was sent away.
  cannot: ["retain", "empty lists", "being killed"],
  join,
  enter,
  fail: (uri, args) => new Failure(uri, args),
  errorOf: ({ errorUri, argsList }) => [errorUri, argsList ?? []],
});

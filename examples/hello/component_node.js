// A component in Node.js on autobahn-js: reverses texts, tells its memory use, and looks after the chat.
//
// Run it with `node examples/hello/component_node.js` (after `npm ci` in this folder, or `make node`). Environment:
//   WAMP_URL         ws://host:port/path, wss://… (WebSocket) or tcp://host:port (RawSocket)
//   WAMP_REALM       the realm to join
//   WAMP_SERIALIZER  json, msgpack or cbor; autobahn-js speaks only json over RawSocket
//
// Hosted by wampd it finds WAMPD_URL, WAMPD_REALM, WAMPD_AUTHID and WAMPD_TICKET instead, and joins as who it is there.
"use strict";

const autobahn = require("autobahn");

const REALM = process.env.WAMPD_REALM || process.env.WAMP_REALM || "realm1";
const URL_ = process.env.WAMPD_URL || process.env.WAMP_URL || "ws://127.0.0.1:8080/ws";
const TICKET = process.env.WAMPD_TICKET;
const PROOF = TICKET
  ? { authid: process.env.WAMPD_AUTHID, authmethods: ["ticket"], onchallenge: () => TICKET }
  : {};
const SERIALIZER = process.env.WAMP_SERIALIZER || "json";
const LOAD_INTERVAL_MS = 2000;
const RETRY_MS = { first: 500, most: 5000 };
const HISTORY_LINES = 20;
const NAME_LENGTH = 24;
const TEXT_LENGTH = 280;

const serializers = {
  json: autobahn.serializer.JSONSerializer,
  msgpack: autobahn.serializer.MsgpackSerializer,
  cbor: autobahn.serializer.CBORSerializer,
};
const history = []; // the last lines of the chat, for visitors who come later

function refuse(message) {
  console.error(message);
  process.exit(2);
}

function transport() {
  if (!Object.hasOwn(serializers, SERIALIZER)) {
    refuse(`WAMP_SERIALIZER: '${SERIALIZER}' is none of ${Object.keys(serializers).join(", ")}`);
  }
  const url = URL.canParse(URL_) ? new URL(URL_) : { protocol: "" };
  if (["ws:", "wss:", "ws+unix:"].includes(url.protocol)) {
    return { type: "websocket", url: URL_, serializers: [new serializers[SERIALIZER]()] };
  }
  if (url.protocol === "tcp:" && url.hostname && url.port) {
    if (SERIALIZER !== "json") refuse("WAMP_SERIALIZER: autobahn-js speaks only json over RawSocket");
    return { type: "rawsocket", host: url.hostname, port: Number(url.port) };
  }
  return refuse(`WAMP_URL: '${URL_}' is neither ws://host:port/path, wss://… nor tcp://host:port`);
}

function reverse([text]) {
  if (typeof text !== "string") throw new autobahn.Error("com.example.error.not_a_text", ["reverse takes a text"]);
  return [...text].reverse().join("");
}

function remember(name, text) {
  history.push({
    name: String(name ?? "somebody").slice(0, NAME_LENGTH),
    text: String(text ?? "").slice(0, TEXT_LENGTH),
    time: Date.now(),
  });
  if (history.length > HISTORY_LINES) history.shift();
}

function report(what) {
  return (error) => console.error(`${what}: ${error?.error ?? error}`);
}

// The library throws where the session is over. It may be so a moment before the connection is: see `stop`.
function publish(session, topic, args, kwargs) {
  if (session.isOpen) session.publish(topic, args, kwargs, { acknowledge: true }).catch(report(topic));
}

function chatter(session) {
  return (_args, line) => {
    remember(line?.name, line?.text);
    if (line?.bot) return; // two of us on one realm must not talk for ever
    const words = String(line?.text ?? "").split(/\s+/).filter(Boolean).length;
    const answer = { name: "Node.js", text: `I read ${words} ${words === 1 ? "word" : "words"}, ${line?.name}.`, bot: true };
    remember(answer.name, answer.text);
    publish(session, "com.example.chat", [], answer);
  };
}

async function joined(session) {
  await session.subscribe("com.example.chat", chatter(session));
  await session.register("com.example.reverse", reverse);
  await session.register("com.example.history", () => history);
  const tellLoad = () => {
    const megabytes = process.memoryUsage().rss / 2 ** 20;
    const details = { uptime: process.uptime(), node: process.version };
    publish(session, "com.example.load", [megabytes], details);
  };
  tellLoad();
  return setInterval(tellLoad, LOAD_INTERVAL_MS);
}

// autobahn-js does not come back after a router said goodbye, and may report one loss twice; so each attempt is a
// connection of its own, and only its first report counts.
function connect(delay = RETRY_MS.first) {
  const connection = new autobahn.Connection({ ...PROOF, transports: [transport()], realm: REALM, max_retries: 0 });
  let wasOpen = false;
  let closed = false;
  let timer = null;
  connection.onopen = (session) => {
    wasOpen = true;
    console.log(`Node component joined ${REALM} as ${session.id}`);
    joined(session).then(
      (started) => { if (closed) clearInterval(started); else timer = started; },
      (error) => { report("joining")(error); if (connection.isOpen) connection.close(); },
    );
  };
  connection.onclose = (reason, details) => {
    if (closed) return true;
    closed = true;
    clearInterval(timer);
    if (stopping) return true;
    const wait = wasOpen ? RETRY_MS.first : Math.min(delay * 2, RETRY_MS.most);
    console.log(`connection ${details?.reason ?? reason}; next attempt in ${wait} ms`);
    retry = setTimeout(connect, wait, wait);
    return true; // no retry of autobahn's own
  };
  current = connection;
  connection.open();
}

let current = null;
let retry = null;
let stopping = false;

function stop() {
  stopping = true;
  clearTimeout(retry);
  if (current?.isOpen) current.close();
  setTimeout(() => process.exit(0), 500).unref();
}

process.on("SIGTERM", stop);
process.on("SIGINT", stop);
connect();

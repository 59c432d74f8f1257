// The page is a WAMP client like any other: it joins realm1 on the host that served it, subscribes and calls.
// Everything that arrives is shown with textContent, because any visitor may publish anything.

const REALM = "realm1";
const SILENCE_MS = 6000; // after so long without an event a component counts as gone
const RETRY_MS = { first: 500, most: 5000 };
const LINES = { chat: 100, wire: 60 };

const byId = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const serializers = {
  json: autobahn.serializer.JSONSerializer,
  msgpack: autobahn.serializer.MsgpackSerializer,
  cbor: autobahn.serializer.CBORSerializer,
};
const serializer = Object.hasOwn(serializers, query.get("serializer")) ? query.get("serializer") : "json";

let session = null;
const lastHeard = new Map();

// --- showing things -------------------------------------------------------------------------------------------------

function clock(when = new Date()) {
  const time = document.createElement("time");
  time.dateTime = when.toISOString();
  time.textContent = when.toLocaleTimeString([], { hour12: false });
  return time;
}

function append(list, limit, ...parts) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  const line = document.createElement("li");
  line.append(...parts);
  list.append(line);
  while (list.childElementCount > limit) list.firstElementChild.remove();
  if (atEnd) list.scrollTop = list.scrollHeight; // do not pull away a reader who scrolled up
}

function logWire(kind, what, value) {
  const label = document.createElement("span");
  label.className = "kind";
  label.dataset.kind = kind;
  label.textContent = kind;
  const code = document.createElement("code");
  code.textContent = what;
  append(byId("wire"), LINES.wire, clock(), label, code, ` ${value}`);
}

function showStatus(state, text) {
  byId("status").dataset.state = state;
  byId("status").textContent = text;
  byId("session").textContent = session ? String(session.id) : "–";
}

function heard(component) {
  lastHeard.set(component, Date.now());
  showPresence();
}

function showPresence() {
  for (const card of document.querySelectorAll("[data-component]")) {
    const at = lastHeard.get(card.dataset.component);
    const alive = at !== undefined && Date.now() - at < SILENCE_MS;
    if (at === undefined && performance.now() < SILENCE_MS) continue; // too early to say
    card.dataset.alive = String(alive);
    card.querySelector(".presence").textContent = alive ? "running" : "not heard of";
  }
}

function showError(output, error) {
  const uri = error?.error ?? String(error);
  output.dataset.state = "failed";
  output.textContent = uri === "wamp.error.no_such_procedure" ? "Nobody offers this right now." : [uri, ...(error?.args ?? [])].join(": ");
  return uri;
}

// --- events -> figures ----------------------------------------------------------------------------------------------

function figure(component, topic, id, format) {
  return [topic, (args) => {
    heard(component);
    byId(id).textContent = format(args?.[0]);
    logWire("event", topic, JSON.stringify(args ?? []));
  }];
}

function showChat(kwargs, when) {
  const name = document.createElement("b");
  name.textContent = String(kwargs?.name ?? "somebody");
  append(byId("chat"), LINES.chat, clock(when), name, ` ${String(kwargs?.text ?? "")}`);
}

const topics = new Map([
  figure("twisted", "com.example.tick", "tick", String),
  figure("asyncio", "com.example.total", "total", String),
  figure("node", "com.example.load", "load", (megabytes) => Number(megabytes).toFixed(1)),
  ["com.example.chat", (args, kwargs) => {
    showChat(kwargs);
    logWire("event", "com.example.chat", JSON.stringify(kwargs ?? {}));
  }],
]);

// --- clicks -> calls ------------------------------------------------------------------------------------------------

async function call(procedure, args, output) {
  output.dataset.state = "waiting";
  output.textContent = "calling …";
  const start = performance.now();
  try {
    if (!session) throw new Error("not connected to the router");
    const result = await session.call(procedure, args);
    const took = document.createElement("small");
    took.textContent = ` ${(performance.now() - start).toFixed(1)} ms`;
    output.dataset.state = "done";
    output.replaceChildren(String(result), took);
    logWire("call", procedure, `${JSON.stringify(args)} → ${JSON.stringify(result)}`);
  } catch (error) {
    logWire("error", procedure, showError(output, error));
  }
}

function onSubmit(name, action) {
  byId(`${name}-form`).addEventListener("submit", (event) => {
    event.preventDefault();
    action(byId(`${name}-result`));
  });
}

onSubmit("add", (output) => call("com.example.add", [byId("add-x").valueAsNumber, byId("add-y").valueAsNumber], output));
onSubmit("upper", (output) => call("com.example.upper", [byId("upper-text").value], output));
onSubmit("reverse", (output) => call("com.example.reverse", [byId("reverse-text").value], output));

onSubmit("chat", async (output) => {
  const message = { name: byId("chat-name").value, text: byId("chat-text").value };
  output.textContent = "";
  try {
    if (!session) throw new Error("not connected to the router");
    // exclude_me: false, so that a visitor sees the own line when the router has taken it, and not before
    await session.publish("com.example.chat", [], message, { acknowledge: true, exclude_me: false });
    byId("chat-text").value = "";
  } catch (error) {
    logWire("error", "com.example.chat", showError(output, error));
  }
});

// --- the connection -------------------------------------------------------------------------------------------------

async function joined(newSession) {
  session = newSession;
  showStatus("open", "connected");
  await Promise.all([...topics].map(([topic, show]) => newSession.subscribe(topic, show)));
  try {
    const lines = await newSession.call("com.example.history");
    byId("chat").replaceChildren();
    for (const line of lines) showChat(line, new Date(line.time));
  } catch (error) {
    if (error?.error !== "wamp.error.no_such_procedure") throw error; // no Node component, hence no history
  }
}

// autobahn-js does not come back after a router said goodbye, so each attempt is a connection of its own.
function connect(delay = RETRY_MS.first) {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const connection = new autobahn.Connection({
    url: `${scheme}://${location.host}/ws`,
    realm: REALM,
    serializers: [new serializers[serializer]()],
    max_retries: 0,
  });
  let wasOpen = false;
  connection.onopen = (newSession) => {
    wasOpen = true;
    joined(newSession).catch((error) => logWire("error", "joining", error?.error ?? String(error)));
  };
  connection.onclose = (reason, details) => {
    session = null;
    const wait = wasOpen ? RETRY_MS.first : Math.min(delay * 2, RETRY_MS.most);
    showStatus("closed", `${details?.reason ?? reason}, trying again`);
    setTimeout(connect, wait, wait);
    return true; // no retry of autobahn's own
  };
  connection.open();
}

byId("serializer").value = serializer;
byId("serializer").addEventListener("change", (event) => {
  query.set("serializer", event.target.value);
  location.search = query;
});
byId("chat-name").value = `visitor ${Math.floor(Math.random() * 900 + 100)}`;
setInterval(showPresence, 1000);
connect();

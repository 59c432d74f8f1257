// examples/hello/component_node.js with a library in memory, as it is when it is stopped: its session is over, and its
// connection not yet. As autobahn-js does, the session throws at what is asked of it then. Ends with status 0 if nobody does.
"use strict";

const Module = require("node:module");
const path = require("node:path");

const handlers = new Map();
const published = [];
const session = {
  id: 1,
  isOpen: true,
  used() {
    if (!this.isOpen) throw "session not open";
  },
  async register() {
    this.used();
  },
  async subscribe(topic, handler) {
    this.used();
    handlers.set(topic, handler);
  },
  publish(topic) {
    this.used();
    published.push(topic);
    return Promise.resolve();
  },
};

class Connection {
  open() {
    this.onopen(session);
  }

  get isOpen() {
    return session.isOpen;
  }

  close() {
    if (!this.isOpen) throw "connection already closed";
    session.isOpen = false;
  }
}

const load = Module._load;
const serializer = { JSONSerializer: class {}, MsgpackSerializer: class {}, CBORSerializer: class {} };
Module._load = (name, ...more) => (name === "autobahn" ? { Connection, serializer, Error } : load(name, ...more));
let tick;
globalThis.setInterval = (function_) => (tick = function_);
require(path.join(__dirname, "../../examples/hello/component_node.js"));

setImmediate(() => {
  const chat = handlers.get("com.example.chat");
  chat([], { name: "Ada", text: "hello" });
  process.emit("SIGTERM");
  tick();
  chat([], { name: "Ada", text: "good bye" });
  if (session.isOpen || published.join() !== "com.example.load,com.example.chat") throw new Error(published.join());
  process.exit(0);
});

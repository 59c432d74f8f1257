// A client on autobahn-js that knows nothing but long-poll: `node longpoll.js URL`. It joins, registers `com.example.reverse`,
// subscribes to `com.example.news`, and says in lines what it hears; at "bye" it leaves.
//
// autobahn-js speaks long-poll by the XMLHttpRequest of browsers, which Node.js does not have: what it uses of it is here,
// by fetch.
"use strict";

const { createRequire } = require("node:module");
const path = require("node:path");

const autobahn = createRequire(path.join(__dirname, "../../examples/hello/"))("autobahn");

globalThis.XMLHttpRequest = class {
  headers = {};
  timeout = 0;
  readyState = 0;
  status = 0;
  statusText = "";
  responseText = "";

  open(method, url) {
    this.method = method;
    this.url = url;
  }

  setRequestHeader(name, value) {
    this.headers[name] = value;
  }

  async send(body) {
    const signal = this.timeout ? AbortSignal.timeout(this.timeout) : undefined;
    try {
      const answer = await fetch(this.url, { method: this.method, headers: this.headers, body, signal });
      this.responseText = await answer.text();
      this.status = answer.status;
      this.statusText = answer.statusText;
    } catch (error) {
      this.status = 0;
      this.statusText = String(error);
    }
    this.readyState = 4;
    this.onreadystatechange();
  }
};

const connection = new autobahn.Connection({
  transports: [{ type: "longpoll", url: process.argv[2] }],
  realm: "realm1",
  max_retries: 0,
});

connection.onopen = async (session, details) => {
  console.log(`joined by ${details.transport.type}`);
  await session.register("com.example.reverse", ([text]) => [...text].reverse().join(""));
  await session.subscribe("com.example.news", async (args) => {
    console.log(`news ${args[0]}`);
    if (args[0] === "bye") {
      connection.close();
    } else {
      console.log(`reversed ${await session.call("com.example.reverse", [args[0]])}`);
    }
  });
  await session.publish("com.example.there", [], {}, { acknowledge: true });
  console.log("ready");
};

connection.onclose = (reason, details) => {
  console.log(`closed: ${reason}, ${details.reason}`);
  process.exitCode = reason === "closed" ? 0 : 1;
  return true;
};

connection.open();

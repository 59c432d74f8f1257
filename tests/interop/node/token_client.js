// autobahn-js that joins by a token: `node token_client.js WISHES` prints what came of it as JSON; WISHES are those of
// `tests/interop/python/tokens.py`.
import { readFileSync } from "node:fs";
import autobahn from "autobahn";

const wishes = JSON.parse(process.argv[2]);
const heard = {};

const connection = new autobahn.Connection({
  transports: [{ type: "websocket", url: wishes.url }],
  max_retries: 0,
  realm: "realm1",
  authmethods: ["jwt"],
  authextra: wishes.in_hello ? { token: wishes.token } : undefined,
  onchallenge: (session, method) => {
    heard.asked = method;
    if (wishes.token !== null) return wishes.token;
    console.error("asked");
    return readFileSync(0, "utf8");
  },
});
connection.onopen = (session, { authid, authrole, authmethod, authextra }) => {
  heard.joined = [authid, authrole, authmethod, authextra ?? null];
  if (!wishes.stay) connection.close();
};
connection.onclose = (reason, details) => {
  heard.left = details.reason;
  heard.message = details.message ?? null;
  console.log(JSON.stringify(heard));
  process.exit(0);
};
connection.open();

// The little of WAMP that the page needs: to join, to call, to subscribe, as JSON over one WebSocket.
// Pages that want more of it take autobahn-js (npm install autobahn).

const HELLO = 1, WELCOME = 2, ABORT = 3, CHALLENGE = 4, AUTHENTICATE = 5, GOODBYE = 6, ERROR = 8;
const SUBSCRIBE = 32, SUBSCRIBED = 33, EVENT = 36, CALL = 48, RESULT = 50;

export class WampError extends Error {
  constructor(uri, args) {
    super([uri, ...(args ?? [])].join(": "));
    this.uri = uri;
  }
}

/** Join a realm. `who` is {} or {method, authid, secret}. */
export function join(url, realm, who = {}) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, ["wamp.2.json"]);
    const send = (message) => socket.send(JSON.stringify(message));
    const session = new Session(socket, send);
    const handlers = {
      [WELCOME]: () => resolve(session),
      [ABORT]: ([details, uri]) => reject(new WampError(uri, details.message ? [details.message] : [])),
      [CHALLENGE]: async ([method, extra]) => send([AUTHENTICATE, await prove(method, extra, who.secret), {}]),
    };
    socket.onopen = () => {
      const details = { roles: { caller: {}, subscriber: {} }, authmethods: [who.method ?? "anonymous"] };
      if (who.authid) details.authid = who.authid;
      send([HELLO, realm, details]);
    };
    socket.onmessage = ({ data }) => {
      const [type, ...rest] = JSON.parse(data);
      if (handlers[type]) Promise.resolve(handlers[type](rest)).catch(reject);
      else session.receive(type, rest);
    };
    socket.onclose = () => {
      reject(new Error("the router cannot be reached; trying again …"));
      session.end();
    };
  });
}

class Session {
  constructor(socket, send) {
    this.socket = socket;
    this.send = send;
    this.lastId = 0;
    this.pending = new Map();
    this.handlers = new Map();
    this.closed = new Promise((resolve) => (this.ended = resolve));
  }

  async call(procedure, ...args) {
    const [, results] = await this.request(CALL, {}, procedure, args);
    return results?.[0];
  }

  async subscribe(topic, handler) {
    const [subscription] = await this.request(SUBSCRIBE, {}, topic);
    this.handlers.set(subscription, handler);
  }

  request(type, ...rest) {
    const id = ++this.lastId;
    this.send([type, id, ...rest]);
    return new Promise((resolve, reject) => this.pending.set(id, { resolve, reject }));
  }

  receive(type, rest) {
    if (type === EVENT) {
      const [subscription, , , args] = rest;
      this.handlers.get(subscription)?.(...(args ?? []));
    } else if (type === RESULT || type === SUBSCRIBED) {
      this.take(rest[0])?.resolve(rest.slice(1));
    } else if (type === ERROR) {
      const [, id, , uri, args] = rest;
      this.take(id)?.reject(new WampError(uri, args));
    } else if (type === GOODBYE) {
      this.socket.close();
    }
  }

  take(id) {
    const waiting = this.pending.get(id);
    this.pending.delete(id);
    return waiting;
  }

  end() {
    for (const { reject } of this.pending.values()) reject(new Error("the connection was lost"));
    this.pending.clear();
    this.ended();
  }
}

async function prove(method, extra, secret) {
  return secret; // of the method `ticket`
}

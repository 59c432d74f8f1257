// What every scenario in Node.js needs: a way to wait, and the facts as a line of JSON after "facts: ".
//
//   node CLIENT.js SCENARIO      with WAMP_URL (ws://…) and WAMP_SERIALIZER (json, msgpack or cbor)

const PATIENCE_MS = 10_000;

export const url = process.env.WAMP_URL;
export const serializer = process.env.WAMP_SERIALIZER;
export const ticketOf = (authid) => `secret-of-${authid}`;
export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Wait until something is so. */
export async function until(condition) {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`it did not come: ${condition}`);
    await pause(10);
  }
}

/** What `wait` makes of a session's meta API, told in the same way whatever the library: `call` gives the first result. */
export async function lookUp(call, kind, uri, id, members, session) {
  return [
    (await call(`wamp.${kind}.lookup`, [uri])) === id,
    [await call(`wamp.${kind}.match`, [uri])].flat().includes(id),
    (await call(`wamp.${kind}.get`, [id])).uri,
    JSON.stringify(await call(`wamp.${kind}.list_${members}`, [id])) === JSON.stringify([session]),
    await call(`wamp.${kind}.count_${members}`, [id]),
  ];
}

/** Hold the scenario that the command line names, say what came of it, and leave. */
export async function hold(scenarios, leave) {
  const facts = await scenarios[process.argv[2]]();
  console.log(`facts: ${JSON.stringify(facts)}`);
  await leave();
}

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

/** Hold the scenario that the command line names, say what came of it, and leave. */
export async function hold(scenarios, leave) {
  const facts = await scenarios[process.argv[2]]();
  console.log(`facts: ${JSON.stringify(facts)}`);
  await leave();
}

// What proves who somebody is, checked by another library's arithmetic; and what a router may not ask for.

import assert from "node:assert/strict";
import { createHash, createHmac, createPublicKey, pbkdf2Sync, verify } from "node:crypto";
import test from "node:test";
import { saslprep } from "../src/pure/saslprep";
import { isSeed, Prover, Unproved, type Credentials } from "../src/wamp/proof";
import type { Dict } from "../src/wamp/session";

const SALT = Buffer.from("0123456789abcdef");
const PASSWORD = "hunter2 pass";
/** Of `PASSWORD` and `SALT`, 2 passes, 64 KiB, one lane: by the reference implementation in C. */
const ARGON2ID = Buffer.from("06e0309e5345a68d1f4574ff5fc041ef84df677a5938c2284327f0aea6f08f22", "hex");
/** RFC 8032, section 7.1, test 1. */
const SEED = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const PUBLIC = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const CHALLENGE = "ab".repeat(32);

const who = (method: Credentials["method"], secret = PASSWORD, authid = "joe", second?: Credentials["second"]) =>
  new Prover({ method, secret, authid, second });
const mac = (key: Buffer | string, text: Buffer | string) => createHmac("sha256", key).update(text).digest();
const nonceOf = (prover: Prover) => String((prover.hello()["authextra"] as Dict)["nonce"]);

test("a ticket is shown when it is asked for, a token at once", async () => {
  assert.deepEqual(who("ticket").hello(), { authmethods: ["ticket"], authid: "joe" });
  assert.deepEqual(await who("ticket").answer("ticket", {}), [PASSWORD, {}]);
  assert.deepEqual(who("jwt", "a.b.c", "").hello(), { authmethods: ["jwt"], authextra: { token: "a.b.c" } });
  assert.deepEqual(who("cookie", "", "").hello(), { authmethods: ["cookie"] });
});

test("wampcra signs by the secret, or by what is derived of it", async () => {
  const signed = async (extra: Dict) => (await who("wampcra").answer("wampcra", extra))[0];
  assert.equal(await signed({ challenge: "c" }), mac(PASSWORD, "c").toString("base64"));
  const key = pbkdf2Sync(PASSWORD, "salt", 100, 32, "sha256").toString("base64");
  assert.equal(await signed({ challenge: "c", salt: "salt", iterations: 100, keylen: 32 }), mac(key, "c").toString("base64"));
});

const FUNCTIONS: [string, Dict, Buffer][] = [
  ["pbkdf2", { iterations: 4096, memory: null }, pbkdf2Sync(PASSWORD, SALT, 4096, 32, "sha256")],
  ["argon2id13", { iterations: 2, memory: 64 }, ARGON2ID],
];

for (const [kdf, cost, salted] of FUNCTIONS) {
  test(`scram proves a password by ${kdf}, and wants the router to prove it, too`, async () => {
    const prover = who("scram", PASSWORD, "a=b,c");
    assert.deepEqual(prover.hello()["authmethods"], ["wamp-scram", "scram"]);
    const mine = nonceOf(prover);
    const nonce = `${mine}router`;
    const [proof, shown] = await prover.answer("wamp-scram", { nonce, kdf, salt: SALT.toString("base64"), ...cost });
    assert.deepEqual(shown, { nonce, channel_binding: null, cbind_data: null });
    const message = `n=a=3Db=2Cc,r=${mine},r=${nonce},s=${SALT.toString("base64")},i=${cost["iterations"]},c=biws,r=${nonce}`;
    const stored = createHash("sha256").update(mac(salted, "Client Key")).digest();
    const signature = mac(stored, message);
    const key = Buffer.from(proof, "base64").map((octet, index) => octet ^ signature[index]!);
    assert.deepEqual(createHash("sha256").update(key).digest(), stored);
    const verifier = mac(mac(salted, "Server Key"), message).toString("base64");
    prover.check({ authextra: { verifier } });
    prover.check({ authextra: { scram_server_signature: verifier } });
    for (const told of [{}, { authextra: {} }, { authextra: { verifier: "" } }, { authextra: { verifier: null } }]) {
      assert.throws(() => prover.check(told), Unproved);
    }
  });
}

test("names and passwords are what they are on any keyboard", () => {
  assert.equal(saslprep("I\u00ADX"), "IX");
  assert.equal(saslprep("\u2168\u00A0a\u0301"), "IX \u00E1"); // RFC 4013, section 3, and more
});

test("a key is told by its public half, and signs the challenge", async () => {
  const prover = who("cryptosign", `  ${SEED.toUpperCase()}\n`, "");
  assert.deepEqual(prover.hello(), { authmethods: ["cryptosign"], authextra: { pubkey: PUBLIC } });
  assert.equal(who("cryptosign", SEED, "joe").hello()["authid"], "joe");
  const [signed, extra] = await prover.answer("cryptosign", { challenge: CHALLENGE });
  assert.deepEqual([signed.length, signed.slice(128), extra], [192, CHALLENGE, {}]);
  const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), Buffer.from(PUBLIC, "hex")]);
  const key = createPublicKey({ key: der, format: "der", type: "spki" });
  assert.ok(verify(null, Buffer.from(CHALLENGE, "hex"), key, Buffer.from(signed.slice(0, 128), "hex")));
});

test("what is no key is none, and is not shown", () => {
  for (const text of ["", "hunter2", SEED.slice(1), `${SEED}0`, `${SEED.slice(1)}g`]) {
    assert.equal(isSeed(text), false);
    assert.throws(() => who("cryptosign", text).hello(), (error) => error instanceof Unproved && !error.message.includes("hunter2"));
  }
});

test("who proves itself twice offers both, and answers whatever is asked first", async () => {
  const prover = who("ticket", "hunter2", "joe", { method: "cryptosign", secret: SEED });
  assert.deepEqual(prover.hello(), { authmethods: ["ticket", "cryptosign"], authid: "joe", authextra: { pubkey: PUBLIC } });
  assert.deepEqual(await prover.answer("ticket", {}), ["hunter2", {}]);
  assert.equal((await prover.answer("cryptosign", { challenge: CHALLENGE }))[0].length, 192);
  const both = who("scram", PASSWORD, "joe", { method: "jwt", secret: "a.b.c" }).hello();
  assert.deepEqual(both["authmethods"], ["wamp-scram", "scram", "jwt"]);
  assert.deepEqual(Object.keys(both["authextra"] as Dict).sort(), ["channel_binding", "nonce", "token"]);
});

const scram = { kdf: "pbkdf2", salt: "MDEy", iterations: 1, memory: null };
const ASKED: [string, Credentials["method"], string, Dict][] = [
  ["what was not offered", "wampcra", "ticket", {}],
  ["a secret for what proves it", "scram", "ticket", {}],
  ["a proof by an unknown method", "ticket", "toString", {}],
  ["a proof of nobody", "anonymous", "anonymous", {}],
  ["no challenge", "wampcra", "wampcra", {}],
  ["hours of work", "wampcra", "wampcra", { challenge: "c", salt: "s", iterations: 1e9 }],
  ["work of no size", "wampcra", "wampcra", { challenge: "c", salt: "s", iterations: "1000" }],
  ["a key of gigabytes", "wampcra", "wampcra", { challenge: "c", salt: "s", keylen: 1e9 }],
  ["a challenge that is too short", "cryptosign", "cryptosign", { challenge: "abcd" }],
  ["a channel that nobody asked for", "cryptosign", "cryptosign", { challenge: CHALLENGE, channel_binding: "tls-exporter" }],
];
const SCRAM_ASKED: [string, Dict][] = [
  ["another function", { ...scram, kdf: "md5" }],
  ["hours of work", { ...scram, iterations: 1e9 }],
  ["gigabytes of memory", { ...scram, kdf: "argon2id13", memory: 2 ** 22 }],
  ["too many passes over memory", { ...scram, kdf: "argon2id13", iterations: 100, memory: 2 ** 17 }],
  ["no memory", { ...scram, kdf: "argon2id13" }],
  ["a salt that is none", { ...scram, salt: "%" }],
  ["a comma in the nonce", { ...scram, more: "a,b" }],
  ["no nonce of the router's", { ...scram, more: "" }],
];

for (const [what, method, asked, extra] of ASKED) {
  test(`a router is not given ${what}: ${asked}`, () => assert.rejects(who(method, method === "cryptosign" ? SEED : PASSWORD).answer(asked, extra), Unproved));
}

for (const [what, { more = "router", ...extra }] of SCRAM_ASKED) {
  test(`scram does not take ${what}`, () => {
    const prover = who("scram");
    return assert.rejects(prover.answer("scram", { nonce: nonceOf(prover) + String(more), ...extra }), Unproved);
  });
}

test("scram does not take a nonce that does not go on from its own", () => assert.rejects(who("scram").answer("scram", { nonce: "other", ...scram }), Unproved));

// How somebody proves who they are: what HELLO offers, what answers a CHALLENGE, and what the router has to prove itself.
//
// Rules
// - Hashes and signatures are computed here, since browsers offer theirs (Web Crypto) only to pages that came over TLS or from
//   the same machine. Slow ones let the page breathe.
// - A router may ask twice, by another method: what is offered is then the second proof, too. Of what was not offered no
//   CHALLENGE is answered.
// - What a CHALLENGE may make this page compute is bounded: whoever sends it may not be the router.
// - By `scram` the router proves that it knows the password, too; else the session is not used.
//
// Sources: WAMP advanced profile, "Authentication Methods"; RFC 5802; RFC 8032.

import { hashes, getPublicKey, sign } from "@noble/ed25519";
import { argon2idAsync } from "@noble/hashes/argon2.js";
import { hmac } from "@noble/hashes/hmac.js";
import { pbkdf2Async } from "@noble/hashes/pbkdf2.js";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { asDict } from "../pure/json";
import { saslprep } from "../pure/saslprep";
import type { Dict, Json } from "./session";

hashes.sha512 = sha512;

export type Method = "cookie" | "anonymous" | "ticket" | "wampcra" | "scram" | "cryptosign" | "jwt";

export interface Proof {
  method: Method;
  /** A ticket, a password, a token; or the seed of an Ed25519 key, as 64 hex digits. */
  secret: string;
}

/** Kept in memory while the page is open, so that it can come back when the connection was lost; never written down. */
export interface Credentials extends Proof {
  authid: string;
  /** What those have to show as well who prove themselves twice. */
  second?: Proof | undefined;
}

/** What follows from a proof that cannot be made, or that the router does not make; the text is for people. */
export class Unproved extends Error {}

const MOST_ITERATIONS = 10_000_000;
/** Of Argon2id, in KiB; and that times its passes, which a browser needs about ten seconds for. */
const MOST_MEMORY = 2 ** 18, MOST_WORK = 2 ** 20;
const MOST_KEY = 1024;
/** RFC 5802, section 7: printable characters but the comma. */
const NONCE = /^[!-+\--~]{1,1024}$/;
const SEED = /^[0-9a-f]{64}$/i;

/** The methods that say of whom the proof is. */
export const NAMED: readonly Method[] = ["ticket", "wampcra", "scram"];
/** Those whose principals may say who they are. */
const NAMEABLE: readonly Method[] = [...NAMED, "cryptosign"];

/** Whether a text is a private key. */
export function isSeed(text: string): boolean {
  return SEED.test(text.trim());
}

type Answer = [signature: string, extra: Dict];

/** One handshake. */
export class Prover {
  private readonly nonce = base64(crypto.getRandomValues(new Uint8Array(18)));
  private readonly proofs: readonly Proof[];
  private readonly authid: string;
  private verifier: string | null = null;

  constructor({ method, secret, authid, second }: Credentials) {
    this.proofs = [{ method, secret }, ...(second ? [second] : [])];
    this.authid = authid;
  }

  /** The details of HELLO that say who comes, and how. */
  hello(): Dict {
    const extra: Dict = {};
    for (const { method, secret } of this.proofs) {
      if (method === "jwt") extra["token"] = secret;
      if (method === "cryptosign") extra["pubkey"] = bytesToHex(getPublicKey(seed(secret)));
      if (method === "scram") Object.assign(extra, { nonce: this.nonce, channel_binding: null });
    }
    const named = this.authid !== "" && this.proofs.some(({ method }) => NAMEABLE.includes(method));
    return {
      authmethods: this.proofs.flatMap(({ method }) => (method === "scram" ? ["wamp-scram", "scram"] : [method])),
      ...(named ? { authid: this.authid } : {}),
      ...(Object.keys(extra).length ? { authextra: extra } : {}),
    };
  }

  /** What AUTHENTICATE shows; rejected with `Unproved`. */
  async answer(method: string, extra: Dict): Promise<Answer> {
    const name = method === "wamp-scram" ? "scram" : method;
    const proof = this.proofs.find((each) => each.method === name);
    if (!proof) throw new Unproved(`The router asks for another proof, too: ${method}.`);
    switch (proof.method) {
      case "wampcra": return [await byCra(extra, proof.secret), {}];
      case "scram": return this.byScram(extra, proof.secret);
      case "cryptosign": return [byKey(extra, proof.secret), {}];
      case "ticket": case "jwt": return [proof.secret, {}];
      default: throw new Unproved(`The router asks for a proof by ${method}, for which there is none.`);
    }
  }

  /** Sees that the router has proved what it has to, in the details of WELCOME. Throws `Unproved`. */
  check(details: Dict): void {
    if (this.verifier === null) return;
    const told = asDict(details["authextra"]);
    if ((told["verifier"] ?? told["scram_server_signature"]) !== this.verifier) {
      throw new Unproved("The router did not prove that it knows the password: it may not be who it should be.");
    }
  }

  /** RFC 5802, section 3; the channel cannot be bound, since pages know nothing of it. */
  private async byScram(extra: Dict, password: string): Promise<Answer> {
    const { nonce, salt, iterations } = extra;
    if (typeof nonce !== "string" || typeof salt !== "string" || !NONCE.test(nonce)) throw senseless("scram");
    if (!nonce.startsWith(this.nonce) || nonce === this.nonce) throw senseless("scram");
    const salted = await saltedPassword(extra, saslprep(password));
    const name = saslprep(this.authid).replaceAll("=", "=3D").replaceAll(",", "=2C");
    const channel = base64(utf8("n,,"));
    const message = utf8(`n=${name},r=${this.nonce},r=${nonce},s=${salt},i=${String(iterations)},c=${channel},r=${nonce}`);
    const clientKey = hmac(sha256, salted, utf8("Client Key"));
    const signature = hmac(sha256, sha256(clientKey), message);
    this.verifier = base64(hmac(sha256, hmac(sha256, salted, utf8("Server Key")), message));
    const proof = clientKey.map((octet, index) => octet ^ signature[index]!);
    return [base64(proof), { nonce, channel_binding: null, cbind_data: null }];
  }
}

/** The salted password, by the function that a CHALLENGE names. */
function saltedPassword({ kdf, salt, iterations, memory }: Dict, password: string): Promise<Uint8Array> {
  const passes = within("scram", iterations, MOST_ITERATIONS);
  const octets = Uint8Array.from(decoded(String(salt)), (char) => char.charCodeAt(0));
  if (kdf === "pbkdf2") return pbkdf2Async(sha256, utf8(password), octets, { c: passes, dkLen: 32 });
  if (kdf !== "argon2id13") throw new Unproved(`The router wants ${String(kdf)}, which this page does not know.`);
  const kibibytes = within("scram", memory, Math.min(MOST_MEMORY, MOST_WORK / passes));
  return argon2idAsync(utf8(password), octets, { t: passes, m: kibibytes, p: 1, dkLen: 32 });
}

/** HMAC-SHA256 of the challenge, by the secret or by the key that is derived of it (Advanced Profile, WAMP-CRA). */
async function byCra({ challenge, salt, iterations = 1000, keylen = 32 }: Dict, secret: string): Promise<string> {
  if (typeof challenge !== "string") throw senseless("wampcra");
  let key = secret;
  if (typeof salt === "string" && salt !== "") {
    const cost = { c: within("wampcra", iterations, MOST_ITERATIONS), dkLen: within("wampcra", keylen, MOST_KEY) };
    key = base64(await pbkdf2Async(sha256, utf8(secret), utf8(salt), cost));
  }
  return base64(hmac(sha256, utf8(key), utf8(challenge)));
}

/** The challenge, signed, and itself. */
function byKey({ challenge, channel_binding: binding }: Dict, secret: string): string {
  if (typeof challenge !== "string" || !SEED.test(challenge) || (binding ?? null) !== null) throw senseless("cryptosign");
  const octets = hexToBytes(challenge);
  return bytesToHex(sign(octets, seed(secret))) + bytesToHex(octets);
}

function seed(text: string): Uint8Array {
  if (!isSeed(text)) throw new Unproved("The private key is not 64 hex digits.");
  return hexToBytes(text.trim());
}

function within(method: string, value: Json | undefined, most: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 1 || value > most) throw senseless(method);
  return value;
}

function senseless(method: string): Unproved {
  return new Unproved(`The router's challenge for ${method} makes no sense.`);
}

function decoded(text: string): string {
  try {
    return atob(text);
  } catch {
    throw senseless("scram");
  }
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

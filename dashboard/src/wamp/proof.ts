// How somebody proves who they are: what HELLO offers, and what answers a CHALLENGE.
//
// The hashes are computed here, since browsers offer theirs (Web Crypto) only to pages that came over TLS or from the same machine.

import { hmac } from "@noble/hashes/hmac.js";
import { pbkdf2 } from "@noble/hashes/pbkdf2.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { Dict } from "./session";

export type Method = "cookie" | "anonymous" | "ticket" | "wampcra" | "jwt";

/** Kept in memory while the page is open, so that it can come back when the connection was lost; never written down. */
export interface Credentials {
  method: Method;
  authid: string;
  secret: string;
}

/** The details of HELLO that say who comes, and how. */
export function helloOf({ method, authid, secret }: Credentials): Dict {
  if (method === "jwt") return { authmethods: ["jwt"], authextra: { token: secret } };
  const named = method === "ticket" || method === "wampcra" ? { authid } : {};
  return { authmethods: [method], ...named };
}

/** The signature that AUTHENTICATE shows. */
export function answerTo(method: string, extra: Dict, { secret }: Credentials): string {
  return method === "wampcra" ? signature(extra, secret) : secret;
}

/** HMAC-SHA256 of the challenge, by the secret or by the key that is derived of it (Advanced Profile, WAMP-CRA). */
function signature(extra: Dict, secret: string): string {
  const salt = extra["salt"];
  const key = typeof salt === "string" && salt !== ""
    ? base64(pbkdf2(sha256, utf8(secret), utf8(salt), { c: Number(extra["iterations"] ?? 1000), dkLen: Number(extra["keylen"] ?? 32) }))
    : secret;
  return base64(hmac(sha256, utf8(key), utf8(String(extra["challenge"]))));
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

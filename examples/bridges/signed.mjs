// Publish by a signed request: node examples/bridges/signed.mjs (Node.js 18 or later; nothing else is needed)
import { createHash, createHmac, randomBytes } from "node:crypto";

const url = new URL(process.env.SENSORS_URL ?? "http://127.0.0.1:8080/sensors");
const key = "cellar";
const secret = process.env.CELLAR_SECRET ?? "a secret for this example alone";

function sign(method, url, body) {
  const now = Math.floor(Date.now() / 1000);
  const nonce = randomBytes(16).toString("base64url");
  const digest = createHash("sha256").update(body).digest("hex");
  const text = ["wampd-v1", method, url.pathname + url.search, now, nonce, key, digest].join("\n");
  const signature = createHmac("sha256", secret).update(text).digest("hex");
  return `t=${now},n=${nonce},k=${key},v1=${signature}`;
}

const body = JSON.stringify({ topic: "com.example.reading.cellar", args: [7.5] });
const headers = { "Content-Type": "application/json", "Wampd-Signature": sign("POST", url, body) };
for (const attempt of ["the request", "the same again"]) {
  const answer = await fetch(url, { method: "POST", headers, body });
  console.log(`${attempt}: ${answer.status}` + (answer.ok ? `, ${Object.keys(await answer.json())}` : ""));
}

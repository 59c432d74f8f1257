// Who are you? One form, with the fields that the chosen method has; and those of another, for those who prove themselves twice.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { enter, settings, status } from "../link";
import { Notice } from "../parts/notice";
import { ASKING, ProofFields } from "../parts/proof-fields";
import { ThemeButton } from "../parts/theme-button";
import { visible } from "../pure/visible";
import { recall } from "../stored";
import { NAMED, type Method } from "../wamp/proof";

const NAMES: Record<Method, string> = {
  cookie: "Cookie: come back",
  anonymous: "Without a name",
  ticket: "Ticket or password",
  wampcra: "Password, by challenge",
  scram: "Password, proved by both sides",
  cryptosign: "Key (Ed25519)",
  jwt: "Token (JWT)",
};

export function LoginView({ children }: { children?: ComponentChildren }) {
  const { title, methods, realm: usual } = settings.value;
  const last = recall<{ method?: Method; second?: Method; authid?: string; realm?: string }>("login", {});
  const [realm, setRealm] = useState(last.realm ?? usual);
  const [method, setMethod] = useState<Method>(firstOf(methods, last.method));
  const [authid, setAuthid] = useState(last.authid ?? "");
  const [secret, setSecret] = useState("");
  const [factor, setFactor] = useState<Method | "">(methods.find((name) => name === last.second) ?? "");
  const [other, setOther] = useState("");
  const factors = ASKING.includes(method) ? methods.filter((name) => name !== method && ASKING.includes(name)) : [];
  const second = factors.find((name) => name === factor);
  const busy = status.value.is !== "out";
  const why = status.value.is === "out" ? status.value.why : "";
  useEffect(() => {
    document.title = title;
  }, [title]);
  const submit = (event: Event) => {
    event.preventDefault();
    if (busy) return;
    const proof = second ? { method: second, secret: other } : undefined;
    enter({ method, realm: realm.trim(), authid: named || nameable ? authid.trim() : "", secret, second: proof });
    setSecret("");
    setOther("");
  };
  const choose = (name: Method) => {
    setMethod(name);
    setSecret(""); // a key or a token is nothing to show as a ticket
  };
  const chooseFactor = (name: string) => {
    setFactor(factors.find((each) => each === name) ?? "");
    setOther("");
  };
  const named = [method, second].some((name) => name && NAMED.includes(name));
  const nameable = method === "cryptosign" || second === "cryptosign";
  return (
    <main class="login">
      <form onSubmit={submit} aria-labelledby="login-title">
        <div class="corner"><ThemeButton /></div>
        <h1 id="login-title">{title}</h1>
        <p class="soft">Log in to watch and operate this router.</p>
        <div role="alert">{why && <Notice kind="bad">{visible(why)}</Notice>}</div>
        {children}
        <label>Realm<input required value={realm} onInput={(event) => setRealm(event.currentTarget.value)} spellcheck={false} autocapitalize="off" /></label>
        <label>Method
          <select value={method} onChange={(event) => choose(event.currentTarget.value as Method)}>
            {methods.map((name) => <option key={name} value={name}>{NAMES[name] ?? name}</option>)}
          </select>
        </label>
        {(named || nameable) && <label>Name (authid){!named && ", if you like"}<input required={named} value={authid} autocomplete="username" spellcheck={false} autocapitalize="off" onInput={(event) => setAuthid(event.currentTarget.value)} /></label>}
        <ProofFields key={`first ${method}`} method={method} secret={secret} onSecret={setSecret} />
        {factors.length > 0 && (
          <label>Second factor
            <select value={second ?? ""} onChange={(event) => chooseFactor(event.currentTarget.value)}>
              <option value="">none</option>
              {factors.map((name) => <option key={name} value={name}>{NAMES[name]}</option>)}
            </select>
          </label>
        )}
        {second && <ProofFields key={`second ${second}`} method={second} secret={other} onSecret={setOther} which="Second factor: " />}
        <button type="submit" class="primary" aria-disabled={busy}>{busy ? "Connecting …" : "Log in"}</button>
      </form>
    </main>
  );
}

/** The method of last time, if it is still there; else the first that asks for anything. A cookie has been tried already. */
function firstOf(methods: Method[], last: Method | undefined): Method {
  const others = methods.filter((name) => name !== "cookie");
  return others.find((name) => name === last) ?? others.find((name) => name !== "anonymous") ?? methods[0] ?? "anonymous";
}

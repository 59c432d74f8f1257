// Who are you? One form, with the fields that the chosen method has.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { enter, settings, status } from "../link";
import { Notice } from "../parts/notice";
import { recall } from "../stored";
import { ThemeButton } from "../parts/theme-button";
import type { Method } from "../wamp/proof";

const NAMES: Record<Method, string> = {
  cookie: "Cookie: come back",
  anonymous: "Without a name",
  ticket: "Ticket or password",
  wampcra: "Password, by challenge",
  jwt: "Token (JWT)",
};

export function LoginView({ children }: { children?: ComponentChildren }) {
  const { title, methods, realm: usual } = settings.value;
  const last = recall<{ method?: Method; authid?: string; realm?: string }>("login", {});
  const [realm, setRealm] = useState(last.realm ?? usual);
  const [method, setMethod] = useState<Method>(firstOf(methods, last.method));
  const [authid, setAuthid] = useState(last.authid ?? "");
  const [secret, setSecret] = useState("");
  const busy = status.value.is !== "out";
  const why = status.value.is === "out" ? status.value.why : "";
  const submit = (event: Event) => {
    event.preventDefault();
    enter({ method, realm: realm.trim(), authid: authid.trim(), secret });
    setSecret("");
  };
  const named = method === "ticket" || method === "wampcra";
  return (
    <main class="login">
      <form onSubmit={submit} aria-labelledby="login-title">
        <div class="corner"><ThemeButton /></div>
        <h1 id="login-title">{title}</h1>
        <p class="soft">Log in to watch and operate this router.</p>
        <div role="alert">{why && <Notice kind="bad">{why}</Notice>}</div>
        {children}
        <label>Realm<input required value={realm} onInput={(event) => setRealm(event.currentTarget.value)} spellcheck={false} autocapitalize="off" /></label>
        <label>Method
          <select value={method} onChange={(event) => setMethod(event.currentTarget.value as Method)}>
            {methods.map((name) => <option key={name} value={name}>{NAMES[name] ?? name}</option>)}
          </select>
        </label>
        {named && <label>Name (authid)<input required value={authid} autocomplete="username" spellcheck={false} autocapitalize="off" onInput={(event) => setAuthid(event.currentTarget.value)} /></label>}
        {(named || method === "jwt") && (
          <label>{method === "jwt" ? "Token" : "Secret"}
            <input required type="password" value={secret} autocomplete={named ? "current-password" : "off"} onInput={(event) => setSecret(event.currentTarget.value)} />
          </label>
        )}
        <button type="submit" class="primary" disabled={busy}>{busy ? "Connecting …" : "Log in"}</button>
      </form>
    </main>
  );
}

/** The method of last time, if it is still there; else the first that asks for anything. A cookie has been tried already. */
function firstOf(methods: Method[], last: Method | undefined): Method {
  const others = methods.filter((name) => name !== "cookie");
  return others.find((name) => name === last) ?? others.find((name) => name !== "anonymous") ?? methods[0] ?? "anonymous";
}

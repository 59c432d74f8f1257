// What somebody shows by one method: a secret, a token, or a private key, typed or from a file. It goes nowhere but to the form.

import { useEffect, useRef, useState } from "preact/hooks";
import { isSeed, type Method } from "../wamp/proof";
import { Notice } from "./notice";

/** Bytes of a file that may hold a key. */
const LARGEST_KEY_FILE = 4096;

/** The methods that ask for something. */
export const ASKING: readonly Method[] = ["ticket", "wampcra", "scram", "cryptosign", "jwt"];

interface Props {
  method: Method;
  secret: string;
  onSecret: (secret: string) => void;
  /** What stands before the names of the fields, where there are several. */
  which?: string;
}

export function ProofFields({ method, secret, onSecret, which = "" }: Props) {
  const [wrong, setWrong] = useState(false);
  const reading = useRef(0); // a file may be read when another one is chosen, or another method
  useEffect(() => () => void reading.current++, []);
  if (!ASKING.includes(method)) return null;
  const hidden = (label: string, more: { autocomplete: string; pattern?: string; title?: string }) => (
    <label>{which + label}
      <input required type="password" value={secret} spellcheck={false} onInput={(event) => onSecret(event.currentTarget.value)} {...more} />
    </label>
  );
  if (method === "jwt") return hidden("Token", { autocomplete: "off" });
  if (method !== "cryptosign") return hidden("Secret", { autocomplete: which ? "off" : "current-password" });
  const read = async (file: File | undefined) => {
    if (!file) return;
    const mine = ++reading.current;
    const text = file.size <= LARGEST_KEY_FILE ? (await file.text()).trim() : "";
    if (mine !== reading.current) return;
    setWrong(!isSeed(text));
    onSecret(isSeed(text) ? text : "");
  };
  const digits = { autocomplete: "off", pattern: "\\s*[0-9A-Fa-f]{64}\\s*", title: "64 hex digits, as wampd key new writes them" };
  return (
    <>
      {hidden("Private key", digits)}
      <label>{which}Key from a file<input type="file" onChange={(event) => void read(event.currentTarget.files?.[0])} /></label>
      <div role="alert">{wrong && <Notice kind="bad">This file holds no private key: that is 64 hex digits.</Notice>}</div>
    </>
  );
}

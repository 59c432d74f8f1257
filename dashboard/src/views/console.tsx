// The console: calls and publishes whatever the role may, by hand.

import { signal } from "@preact/signals";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { onOut } from "../link";
import { ask, session } from "../live";
import { useKeptFocus } from "../parts/focus";
import { added, entriesOf, Walk, type Entry } from "../pure/history";
import { moment } from "../pure/format";
import { readDict, readList, type Read } from "../pure/json";
import { visible } from "../pure/visible";
import { call, publish, transcript, type Sent } from "../sent";
import { recall, remember } from "../stored";

const EMPTY: Entry = { kind: "call", uri: "", args: "", kwargs: "", options: "" };
const MOST_SUGGESTIONS = 200;

const draft = signal<Entry>(EMPTY);
const remembered = () => entriesOf(recall<unknown>("history", []));
const history = signal(remembered());
const keeps = signal(true);
const inParts = signal(true);
const walk = new Walk();

onOut(() => {
  draft.value = EMPTY;
  walk.reset();
});

export function ConsoleView() {
  const { kind, uri, args, kwargs, options } = draft.value;
  const [tried, setTried] = useState(false);
  const [refused, setRefused] = useState(0);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (refused) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [refused]);
  const list = readList(args), dict = readDict(kwargs), more = readDict(options);
  const of = session.value;
  const edit = (change: Partial<Entry>) => {
    walk.reset();
    draft.value = { ...draft.value, ...change };
  };
  const submit = (event?: Event) => {
    event?.preventDefault();
    setTried(true);
    if (!of) return;
    if (!uri.trim() || !list.value || !dict.value || !more.value) return setRefused((times) => times + 1);
    setTried(false);
    walk.reset();
    if (keeps.value) keep(added(remembered(), { ...draft.value, uri: uri.trim() }));
    if (kind === "call") void call(of, uri.trim(), list.value, dict.value, more.value, inParts.value);
    else void publish(of, uri.trim(), list.value, dict.value, more.value);
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(event);
  };
  const recalled = (event: KeyboardEvent) => {
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    const entry = walk.step(history.value, event.key === "ArrowUp" ? 1 : -1, draft.value);
    if (!entry) return; // the key is the browser's, which opens the suggestions
    draft.value = entry;
    event.preventDefault();
  };
  return (
    <div class="console">
      <form ref={form} onSubmit={submit} onKeyDown={pressed} noValidate>
        <div class="bar">
          <fieldset class="choice"><legend class="hidden">What to do</legend>
            {(["call", "publish"] as const).map((name) => (
              <label key={name}><input type="radio" name="kind" checked={kind === name} onChange={() => edit({ kind: name })} />{name === "call" ? "Call" : "Publish"}</label>
            ))}
          </fieldset>
          <UriField kind={kind} uri={uri} missing={tried && !uri.trim()} onInput={(text) => edit({ uri: text })} onKeyDown={recalled} />
          <button type="submit" class="primary" aria-disabled={!of}>{kind === "call" ? "Call" : "Publish"}</button>
        </div>
        <div class="fields">
          <JsonField label="Arguments" hint="[1, &quot;two&quot;]" text={args} read={list} onInput={(text) => edit({ args: text })} />
          <JsonField label="Keyword arguments" hint="{&quot;name&quot;: 1}" text={kwargs} read={dict} onInput={(text) => edit({ kwargs: text })} />
          <JsonField label="Options" hint={kind === "call" ? "{\"timeout\": 5000}" : "{\"exclude_me\": false}"} text={options} read={more} onInput={(text) => edit({ options: text })} />
        </div>
        <div class="bar soft">
          {kind === "call" && <label class="check"><input type="checkbox" checked={inParts.value} onChange={(event) => (inParts.value = event.currentTarget.checked)} />Show parts of a result as they come</label>}
          <label class="check"><input type="checkbox" checked={keeps.value} onChange={(event) => (keeps.value = event.currentTarget.checked)} />Keep in the history of this browser</label>
          <HistoryPicker />
        </div>
      </form>
      <section aria-labelledby="transcript">
        <h2 id="transcript">Answers</h2>
        <p class="hidden" role="status">{said(transcript.value[0])}</p>
        {transcript.value.length ? <ol class="transcript">{transcript.value.map((entry) => <Answer key={entry.id} entry={entry} />)}</ol>
          : <p class="empty">Nothing was sent yet.</p>}
      </section>
    </div>
  );
}

function keep(entries: Entry[]): void {
  history.value = entries;
  remember("history", entries);
}

interface UriProps {
  kind: Entry["kind"];
  uri: string;
  missing: boolean;
  onInput: (text: string) => void;
  onKeyDown: (event: KeyboardEvent) => void;
}

function UriField({ kind, uri, missing, onInput, onKeyDown }: UriProps) {
  const id = useId();
  const known = useKnown(kind === "call" ? "registrations" : "subscriptions");
  const label = kind === "call" ? "Procedure" : "Topic";
  return (
    <span class="search">
      <label class="hidden" for={id}>{label}</label>
      <input id={id} class="mono" value={uri} placeholder={`${label}: com.example.…`} list={`${id}-known`} spellcheck={false} autocapitalize="off" autocomplete="off"
        aria-invalid={missing} aria-describedby={missing ? `${id}-problem` : undefined} onInput={(event) => onInput(event.currentTarget.value)} onKeyDown={onKeyDown} />
      <datalist id={`${id}-known`}>{known.map((name) => <option key={name} value={name} />)}</datalist>
      {missing && <small class="bad-text" id={`${id}-problem`}>which {label.toLowerCase()}?</small>}
    </span>
  );
}

/** What there is to be called or listened to, for who may know; others get no suggestions. */
function useKnown(procedure: "registrations" | "subscriptions"): string[] {
  const [known, setKnown] = useState<string[]>([]);
  const of = session.value;
  useEffect(() => {
    setKnown([]);
    if (!of) return;
    let over = false;
    ask<Record<string, { uri: string; match: string; realm: string }[]>>(of, procedure, { limit: MOST_SUGGESTIONS, sort: "uri", realm: of.welcome!.realm }).then(
      (answer) => !over && setKnown((answer[procedure] ?? []).filter(({ match }) => match === "exact").map(({ uri }) => uri)),
      () => undefined,
    );
    return () => {
      over = true;
    };
  }, [of, procedure]);
  return known;
}

function JsonField({ label, hint, text, read, onInput }: { label: string; hint: string; text: string; read: Read<unknown>; onInput: (text: string) => void }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label} <small class="soft">JSON</small></label>
      <textarea id={id} class="mono" rows={3} value={text} placeholder={hint} spellcheck={false} autocapitalize="off" aria-invalid={Boolean(read.problem)}
        aria-describedby={read.problem ? `${id}-problem` : undefined} onInput={(event) => onInput(event.currentTarget.value)} />
      {read.problem && <small class="bad-text" id={`${id}-problem`}>{read.problem}</small>}
    </div>
  );
}

function HistoryPicker() {
  if (!history.value.length) return null;
  const choose = (event: { currentTarget: HTMLSelectElement }) => {
    const entry = history.value[Number(event.currentTarget.value)];
    if (entry) draft.value = entry;
    event.currentTarget.value = "";
  };
  return (
    <span class="history">
      <label class="inline">History
        <select value="" onChange={choose}>
          <option value="">{history.value.length} sent before</option>
          {history.value.map((entry, index) => <option key={index} value={index}>{visible(`${entry.kind} ${entry.uri} ${entry.args}`).slice(0, 80)}</option>)}
        </select>
      </label>
      <button type="button" class="small" onClick={() => keep([])}>Clear history</button>
    </span>
  );
}

const STATES: Record<Sent["state"], string> = { waiting: "waiting …", done: "done", failed: "failed", canceled: "canceled" };

/** What is told of the newest, to those who do not see it. */
function said(entry: Sent | undefined): string {
  return entry ? `${entry.kind} ${visible(entry.uri)}: ${STATES[entry.state]}` : "";
}

function Answer({ entry }: { entry: Sent }) {
  const element = useRef<HTMLLIElement>(null);
  useKeptFocus(element); // the button that cancels goes away by itself
  return (
    <li class={`answer ${entry.state}`} ref={element} tabIndex={-1}>
      <header>
        <span class="pill">{entry.kind}</span> <code>{visible(entry.uri)}</code>
        <span class={`state ${entry.state}`}>{STATES[entry.state]}</span>
        <small class="soft">{moment(entry.at.toISOString())}{entry.took !== null && ` · ${entry.took.toFixed(1)} ms`}</small>
        {entry.cancel && <button type="button" class="small" onClick={entry.cancel}>Cancel</button>}
      </header>
      {entry.unseen > 0 && <p class="soft">{entry.unseen} earlier parts are not shown.</p>}
      {entry.parts.map((part, index) => <pre key={entry.unseen + index} class="part">{part}</pre>)}
      {entry.answer && <pre>{entry.answer}</pre>}
    </li>
  );
}

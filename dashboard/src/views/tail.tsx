// The live tail: the events of a topic, as they come.

import { signal } from "@preact/signals";
import { onOut } from "../link";
import { session } from "../live";
import { Notice } from "../parts/notice";
import { count, timeOfDay } from "../pure/format";
import type { Line } from "../pure/tail";
import { visible } from "../pure/visible";
import { drawn, match, MOST_KEPT, problem, redraw, running, tail, topic, type Match } from "../tailing";

const MOST_SHOWN = 200;

const filter = signal("");

onOut(() => (filter.value = ""));

export function TailView() {
  const going = running.value;
  const toggle = (event: Event) => {
    event.preventDefault();
    if (going) return void (running.value = null);
    problem.value = null;
    running.value = { topic: topic.value.trim(), match: match.value };
  };
  return (
    <>
      <p class="hidden" role="status">{going ? `Listening to ${visible(going.topic) || "everything"}` : ""}</p>
      <form class="bar" onSubmit={toggle}>
        <label class="search"><span class="hidden">Topic</span>
          <input class="mono" value={topic.value} disabled={going !== null} placeholder="Topic: com.example.…" spellcheck={false} autocapitalize="off" onInput={(event) => (topic.value = event.currentTarget.value)} />
        </label>
        <label class="inline">Match
          <select value={match.value} disabled={going !== null} onChange={(event) => (match.value = event.currentTarget.value as Match)}>
            <option value="exact">exact</option><option value="prefix">prefix</option><option value="wildcard">wildcard</option>
          </select>
        </label>
        <button type="submit" class="primary" disabled={!session.value || (!going && !topic.value.trim() && match.value === "exact")}>{going ? "Stop" : "Listen"}</button>
      </form>
      <div role="status">{problem.value && <Refusal />}</div>
      <Events />
    </>
  );
}

function Refusal() {
  const { kind, text } = problem.value!;
  if (kind !== "forbidden") return <Notice kind="bad">{visible(text)}</Notice>;
  return <Notice>Your role may not subscribe to <code>{visible(text)}</code> in this way.</Notice>;
}

function Events() {
  void drawn.value;
  const lines = tail.shown(filter.value.trim(), MOST_SHOWN);
  const pause = () => (tail.isPaused ? tail.go() : tail.pause(), redraw());
  const clear = () => (tail.clear(), redraw());
  return (
    <>
      <div class="bar">
        <label class="search"><span class="hidden">Filter</span>
          <input type="search" value={filter.value} placeholder="Filter by topic or content" spellcheck={false} onInput={(event) => (filter.value = event.currentTarget.value)} />
        </label>
        <button type="button" class={tail.isPaused ? "on" : ""} onClick={pause}>{tail.isPaused ? "Go on" : "Pause"}</button>
        <button type="button" onClick={clear}>Clear</button>
        <span class="soft amount">
          {count(tail.received)} received{tail.dropped > 0 && `, ${count(tail.dropped)} dropped (the last ${count(MOST_KEPT)} are kept)`}
          {tail.isPaused && `; paused, ${count(tail.behind)} new`}
        </span>
      </div>
      {lines.length ? <ol class="tail" aria-label="Events, newest first">{lines.map((line) => <Event key={line.id} line={line} />)}</ol>
        : <p class="empty">{running.value ? "Nothing was published yet." : "Name a topic and listen."}</p>}
    </>
  );
}

function Event({ line }: { line: Line }) {
  const time = new Date(line.at);
  return (
    <li>
      <time dateTime={time.toISOString()}>{timeOfDay(time)}.{String(time.getMilliseconds()).padStart(3, "0")}</time>
      <code>{visible(line.topic)}</code>
      <pre>{line.text}</pre>
      <small>{visible(line.note)}</small>
    </li>
  );
}

// Who is here, from where, doing how much; and sending somebody away.

import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { onOut, status } from "../link";
import { problemOf, request, session, useLive, type Problem } from "../live";
import { PREFIX, type SessionRow } from "../monitor";
import { Dialog } from "../parts/dialog";
import { Listing } from "../parts/listing";
import { Notice, Trouble } from "../parts/notice";
import type { Column } from "../parts/table";
import { bytes, count, moment, rate } from "../pure/format";
import { visible } from "../pure/visible";

const EVERY_MS = 2000;
const KILL = "kill";

const looked = signal<SessionRow | null>(null);
const doomed = signal<SessionRow | null>(null);
const done = signal("");

function forget(): void {
  looked.value = null;
  doomed.value = null;
  done.value = "";
}

onOut(forget);

const COLUMNS: Column<SessionRow>[] = [
  { key: "session", label: "Session", sortable: true, cell: (row) => <button type="button" class="plain mono" onClick={() => (looked.value = row)}>{row.session}</button> },
  { key: "authid", label: "Who", sortable: true, cell: (row) => <Identity row={row} /> },
  { key: "realm", label: "Realm", cell: (row) => row.realm },
  { key: "address", label: "From", sortable: true, cell: (row) => <span class="stack"><span class="mono">{row.address ?? "–"}</span><small>{[row.transport, row.protocol.replace(/^wamp\.2\./, "")].filter(Boolean).join(" · ")}</small></span> },
  { key: "since", label: "Since", sortable: true, cell: (row) => moment(row.since) },
  { key: "in", label: "In/s", numeric: true, sortable: true, cell: (row) => rate(row.in) },
  { key: "out", label: "Out/s", numeric: true, sortable: true, cell: (row) => rate(row.out) },
  { key: "queued", label: "Queued", numeric: true, sortable: true, cell: (row) => <span class={row.queued > 2 ** 20 ? "bad-text" : ""}>{bytes(row.queued)}</span> },
  { key: "kill", label: "", needs: KILL, cell: (row) => <KillButton row={row} /> },
];

export function SessionsView() {
  useEffect(() => forget, []);
  return (
    <>
      <p class="hidden" role="status">{done.value}</p>
      <Listing<SessionRow> procedure="sessions" what="sessions" searchLabel="Search name, role, address, id" columns={COLUMNS}
        rowKey={(row) => `${row.realm} ${row.session}`} first={{ sort: "since", descending: true }} done={done.value}>
        {(may) => (
          <>
            {looked.value && <Details row={looked.value} mayKill={may.includes(KILL)} />}
            {doomed.value && <Kill row={doomed.value} mayKill={may.includes(KILL)} />}
          </>
        )}
      </Listing>
    </>
  );
}

function Identity({ row }: { row: SessionRow }) {
  const name = visible(row.authid);
  return (
    <span class="stack">
      <span><b title={name}>{name}</b>{isOneself(row) && <> <span class="pill">you</span></>}</span>
      <small>{visible(row.authrole)} · {row.authmethod}</small>
    </span>
  );
}

/** Nobody sends oneself away: that is what logging out is for. */
function KillButton({ row }: { row: SessionRow }) {
  if (isOneself(row)) return null;
  return <button type="button" class="small danger" aria-label={`Kill session ${row.session} of ${row.authid}`} onClick={() => (doomed.value = row)}>Kill</button>;
}

function isOneself(row: SessionRow): boolean {
  const now = status.value;
  return (now.is === "in" || now.is === "lost") && now.who?.session === row.session;
}

function Details({ row: first, mayKill }: { row: SessionRow; mayKill: boolean }) {
  const asked = { realm: first.realm, search: String(first.session), limit: 10 };
  const { data, problem } = useLive<{ sessions: SessionRow[] }>("sessions", asked, EVERY_MS);
  const now = data?.sessions.find(({ session: id }) => id === first.session);
  const row = now ?? first;
  const isGone = data !== null && !now;
  const facts: [string, string][] = [
    ["Realm", row.realm], ["Name", row.authid], ["Role", row.authrole], ["Method", `${row.authmethod} (${row.authprovider})`],
    ["Address", row.address ?? "–"], ["Transport", [row.transport, row.protocol].filter(Boolean).join(", ")], ["Agent", row.agent ?? "–"], ["Since", moment(row.since)],
    ["Received", `${count(row.received)} messages, ${rate(row.in)}/s`], ["Sent", `${count(row.sent)} messages, ${rate(row.out)}/s`],
    ["Queued", bytes(row.queued)], ["Dropped", count(row.dropped)], ["Calls under way", count(row.under_way)],
    ["Registrations", count(row.registrations)], ["Subscriptions", count(row.subscriptions)],
  ];
  const close = () => (looked.value = null);
  return (
    <Dialog title={`Session ${row.session}`} onClose={close}>
      <dl class="facts narrow-facts">{facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{visible(value)}</dd></div>)}</dl>
      <div role="status">{isGone && <Notice>This session has ended. These are the figures when it was last seen.</Notice>}</div>
      <Trouble problem={problem} />
      {mayKill ? !isGone && !isOneself(row) && <footer><button type="button" class="danger" onClick={() => (close(), (doomed.value = row))}>Kill …</button></footer>
        : <p class="soft">Your role may not send sessions away.</p>}
    </Dialog>
  );
}

function Kill({ row, mayKill }: { row: SessionRow; mayKill: boolean }) {
  const [reason, setReason] = useState("wamp.close.killed");
  const [message, setMessage] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const close = () => {
    if (doomed.value === row) doomed.value = null; // an answer may come when another one is asked about
  };
  const kill = async (event: Event) => {
    event.preventDefault();
    const of = session.value;
    if (!of || !mayKill || busy) return;
    setBusy(true);
    setProblem(null);
    try {
      await request(of, KILL, { realm: row.realm, session: row.session, ...(reason ? { reason } : {}), ...(message ? { message } : {}) });
      done.value = `Session ${row.session} of ${visible(row.authid)} was sent away.`;
      close();
    } catch (error) {
      setProblem(problemOf(error, `${PREFIX}kill`));
      setBusy(false);
    }
  };
  return (
    <Dialog title="Send this session away?" onClose={close}>
      <form onSubmit={kill}>
        <p><b>{visible(row.authid)}</b> ({visible(row.authrole)}), session <span class="mono">{row.session}</span> from {row.address ?? "an unknown address"} in realm <b>{row.realm}</b>. Its calls under way end with an error.</p>
        <label>Reason (URI)<input value={reason} required spellcheck={false} onInput={(event) => setReason(event.currentTarget.value)} /></label>
        <label>Message to the client (optional)<input value={message} maxLength={500} onInput={(event) => setMessage(event.currentTarget.value)} /></label>
        <div role="alert"><Trouble problem={problem} doing="do" /></div>
        {!mayKill && !problem && <Notice>Your role may not send sessions away any more.</Notice>}
        <footer>
          <button type="button" onClick={close}>Keep it</button>
          <button type="submit" class="danger solid" aria-disabled={busy || !mayKill || !session.value}>Kill session</button>
        </footer>
      </form>
    </Dialog>
  );
}

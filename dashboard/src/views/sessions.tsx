// Who is here, from where, doing how much; and sending somebody away.

import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { onOut, status } from "../link";
import { ask, problemOf, session, type Problem } from "../live";
import { PREFIX, type SessionRow } from "../monitor";
import { Dialog } from "../parts/dialog";
import { Listing } from "../parts/listing";
import { Trouble } from "../parts/notice";
import type { Column } from "../parts/table";
import { bytes, count, moment, rate } from "../pure/format";

const looked = signal<SessionRow | null>(null);
const doomed = signal<SessionRow | null>(null);
const done = signal("");

onOut(() => {
  looked.value = null;
  doomed.value = null;
  done.value = "";
});

const COLUMNS: Column<SessionRow>[] = [
  { key: "session", label: "Session", sortable: true, cell: (row) => <button type="button" class="plain mono" onClick={() => (looked.value = row)}>{row.session}</button> },
  { key: "authid", label: "Who", sortable: true, cell: (row) => <span class="stack"><b title={row.authid}>{row.authid}</b><small>{row.authrole} · {row.authmethod}</small></span> },
  { key: "realm", label: "Realm", cell: (row) => row.realm },
  { key: "address", label: "From", sortable: true, cell: (row) => <span class="stack"><span class="mono">{row.address ?? "–"}</span><small>{[row.transport, row.protocol.replace(/^wamp\.2\./, "")].filter(Boolean).join(" · ")}</small></span> },
  { key: "since", label: "Since", sortable: true, cell: (row) => moment(row.since) },
  { key: "in", label: "In/s", numeric: true, sortable: true, cell: (row) => rate(row.in) },
  { key: "out", label: "Out/s", numeric: true, sortable: true, cell: (row) => rate(row.out) },
  { key: "queued", label: "Queued", numeric: true, sortable: true, cell: (row) => <span class={row.queued > 2 ** 20 ? "bad-text" : ""}>{bytes(row.queued)}</span> },
  { key: "kill", label: "", cell: (row) => <KillButton row={row} /> },
];

export function SessionsView() {
  return (
    <>
      <p class="hidden" role="status">{done.value}</p>
      <Listing<SessionRow> procedure="sessions" what="sessions" searchLabel="Search name, role, address, id" columns={COLUMNS}
        rowKey={(row) => `${row.realm} ${row.session}`} first={{ sort: "since", descending: true }}>
        {looked.value && <Details row={looked.value} />}
        {doomed.value && <Kill row={doomed.value} />}
      </Listing>
    </>
  );
}

/** Nobody sends oneself away: that is what logging out is for. */
function KillButton({ row }: { row: SessionRow }) {
  if (isOneself(row)) return <span class="pill">you</span>;
  return <button type="button" class="small danger" aria-label={`Kill session ${row.session} of ${row.authid}`} onClick={() => (doomed.value = row)}>Kill</button>;
}

function isOneself(row: SessionRow): boolean {
  return status.value.is === "in" && status.value.who.session === row.session;
}

function Details({ row }: { row: SessionRow }) {
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
      <dl class="facts narrow-facts">{facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
      {!isOneself(row) && <footer><button type="button" class="danger" onClick={() => (close(), (doomed.value = row))}>Kill …</button></footer>}
    </Dialog>
  );
}

function Kill({ row }: { row: SessionRow }) {
  const [reason, setReason] = useState("wamp.close.killed");
  const [message, setMessage] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const close = () => (doomed.value = null);
  const kill = async (event: Event) => {
    event.preventDefault();
    const of = session.value;
    if (!of) return;
    setBusy(true);
    try {
      await ask(of, "kill", { realm: row.realm, session: row.session, ...(reason ? { reason } : {}), ...(message ? { message } : {}) });
      done.value = `Session ${row.session} of ${row.authid} was sent away.`;
      close();
    } catch (error) {
      setProblem(problemOf(error, `${PREFIX}kill`));
      setBusy(false);
    }
  };
  return (
    <Dialog title="Send this session away?" onClose={close}>
      <form onSubmit={kill}>
        <p><b>{row.authid}</b> ({row.authrole}), session <span class="mono">{row.session}</span> from {row.address ?? "an unknown address"} in realm <b>{row.realm}</b>. Its calls under way end with an error.</p>
        <label>Reason (URI)<input value={reason} required spellcheck={false} onInput={(event) => setReason(event.currentTarget.value)} /></label>
        <label>Message to the client (optional)<input value={message} maxLength={500} onInput={(event) => setMessage(event.currentTarget.value)} /></label>
        <Trouble problem={problem} doing="do" />
        <footer>
          <button type="button" onClick={close}>Keep it</button>
          <button type="submit" class="danger solid" disabled={busy || !session.value}>Kill session</button>
        </footer>
      </form>
    </Dialog>
  );
}

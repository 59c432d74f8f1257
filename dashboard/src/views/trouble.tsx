// What goes wrong: errors, calls that take long, clients that do not read.

import { useLive } from "../live";
import type { ErrorRow, SlowCall, SlowConsumer } from "../monitor";
import { Trouble } from "../parts/notice";
import { RealmPicker, shownRealm, useRealms } from "../parts/realm-picker";
import { Table, type Column } from "../parts/table";
import { Uri } from "../parts/uri";
import { bytes, count, duration, moment } from "../pure/format";
import { visible } from "../pure/visible";

const EVERY_MS = 3000;
const MOST = 100;

const ERRORS: Column<ErrorRow>[] = [
  { key: "at", label: "Last", cell: (row) => moment(row.at) },
  { key: "error", label: "Error", cell: (row) => <code class="bad-text">{visible(row.error)}</code> },
  { key: "uri", label: "Of", cell: (row) => <Uri uri={row.uri} /> },
  { key: "authid", label: "Who", cell: (row) => <span class="stack">{visible(row.authid)}<small class="mono">{row.session}</small></span> },
  { key: "realm", label: "Realm", cell: (row) => row.realm },
  { key: "count", label: "Times", numeric: true, cell: (row) => count(row.count) },
];

const CALLS: Column<SlowCall>[] = [
  { key: "procedure", label: "Procedure", cell: (row) => <Uri uri={row.procedure} /> },
  { key: "age", label: "For", numeric: true, cell: (row) => duration(row.age) },
  { key: "state", label: "State", cell: (row) => row.ended ? "ended" : <span class="wait-text">under way</span> },
  { key: "since", label: "Since", cell: (row) => moment(row.since) },
  { key: "caller", label: "Caller", cell: (row) => <span class="mono">{row.caller}</span> },
  { key: "callee", label: "Callee", cell: (row) => <span class="mono">{row.callee ?? "–"}</span> },
  { key: "realm", label: "Realm", cell: (row) => row.realm },
];

const CONSUMERS: Column<SlowConsumer>[] = [
  { key: "authid", label: "Who", cell: (row) => <span class="stack"><b>{visible(row.authid)}</b><small class="mono">{row.session}</small></span> },
  { key: "queued", label: "Queued", numeric: true, cell: (row) => bytes(row.queued) },
  { key: "dropped", label: "Dropped", numeric: true, cell: (row) => count(row.dropped) },
  { key: "since", label: "Since", cell: (row) => moment(row.since) },
  { key: "realm", label: "Realm", cell: (row) => row.realm },
];

export function TroubleView() {
  useRealms();
  return (
    <>
      <div class="bar"><RealmPicker /></div>
      <Part<ErrorRow> id="errors" title="Errors" procedure="errors" field="errors" columns={ERRORS} empty="No call or publication ended with an error."
        rowKey={(row) => `${row.realm} ${row.error} ${row.uri} ${row.session}`} />
      <Part<SlowCall> id="slow-calls" title="Slow calls" procedure="slow_calls" field="calls" columns={CALLS} empty="No call takes long."
        rowKey={(row) => `${row.realm} ${row.procedure} ${row.caller} ${row.callee} ${row.since}`} />
      <Part<SlowConsumer> id="slow-consumers" title="Slow consumers" procedure="slow_consumers" field="sessions" columns={CONSUMERS} empty="Every client reads what it is sent."
        rowKey={(row) => `${row.realm} ${row.session}`} />
    </>
  );
}

interface Props<Row> {
  id: string;
  title: string;
  procedure: string;
  field: string;
  columns: Column<Row>[];
  empty: string;
  rowKey: (row: Row) => string;
}

function Part<Row>({ id, title, procedure, field, columns, empty, rowKey }: Props<Row>) {
  const argument = { limit: MOST, ...(shownRealm.value ? { realm: shownRealm.value } : {}) };
  const { data, problem } = useLive<Record<string, Row[]>>(procedure, argument, EVERY_MS);
  return (
    <section aria-labelledby={id}><h2 id={id}>{title}</h2>
      <Trouble problem={problem} />
      {data ? <Table caption={title} columns={columns} rows={data[field] ?? []} rowKey={rowKey} empty={empty} />
        : !problem && <p class="empty">Asking the router …</p>}
    </section>
  );
}

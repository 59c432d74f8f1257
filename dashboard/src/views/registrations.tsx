// Who can be called, and how that goes.

import type { RegistrationRow } from "../monitor";
import { Listing } from "../parts/listing";
import type { Column } from "../parts/table";
import { Uri } from "../parts/uri";
import { count, duration, rate } from "../pure/format";

const COLUMNS: Column<RegistrationRow>[] = [
  { key: "uri", label: "Procedure", wide: true, sortable: true, cell: (row) => <Uri uri={row.uri} match={row.match} /> },
  { key: "realm", label: "Realm", cell: (row) => row.realm },
  { key: "invoke", label: "Invoke", cell: (row) => row.invoke },
  { key: "callees", label: "Callees", numeric: true, sortable: true, cell: (row) => count(row.callees) },
  { key: "rate", label: "Calls/s", numeric: true, sortable: true, cell: (row) => rate(row.rate) },
  { key: "calls", label: "Calls", numeric: true, sortable: true, cell: (row) => count(row.calls) },
  { key: "errors", label: "Errors", numeric: true, sortable: true, cell: (row) => <span class={row.errors ? "bad-text" : ""}>{count(row.errors)}</span> },
  { key: "under_way", label: "Under way", numeric: true, sortable: true, cell: (row) => count(row.under_way) },
  { key: "waiting", label: "Waiting", numeric: true, sortable: true, cell: (row) => count(row.waiting) },
  { key: "latency", label: "Latency", numeric: true, sortable: true, cell: (row) => duration(row.latency) },
];

export function RegistrationsView() {
  return <Listing<RegistrationRow> procedure="registrations" what="registrations" searchLabel="Search procedures" columns={COLUMNS}
    rowKey={(row) => `${row.realm} ${row.id}`} first={{ sort: "rate", descending: true }} />;
}

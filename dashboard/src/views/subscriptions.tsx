// Who listens to what.

import type { SubscriptionRow } from "../monitor";
import { Listing } from "../parts/listing";
import type { Column } from "../parts/table";
import { Uri } from "../parts/uri";
import { count, moment, rate } from "../pure/format";

const COLUMNS: Column<SubscriptionRow>[] = [
  { key: "uri", label: "Topic", wide: true, sortable: true, cell: (row) => <Uri uri={row.uri} match={row.match} /> },
  { key: "realm", label: "Realm", cell: (row) => row.realm },
  { key: "subscribers", label: "Subscribers", numeric: true, sortable: true, cell: (row) => count(row.subscribers) },
  { key: "rate", label: "Events/s", numeric: true, sortable: true, cell: (row) => rate(row.rate) },
  { key: "events", label: "Events", numeric: true, sortable: true, cell: (row) => count(row.events) },
  { key: "created", label: "Since", sortable: true, cell: (row) => moment(row.created) },
];

export function SubscriptionsView() {
  return <Listing<SubscriptionRow> procedure="subscriptions" what="subscriptions" searchLabel="Search topics" columns={COLUMNS}
    rowKey={(row) => `${row.realm} ${row.id}`} first={{ sort: "rate", descending: true }} />;
}

// A table with stable rows. On a narrow screen each row becomes a card; its roles are written out, since browsers forget
// that a table is one when its display changes.

import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { useKeptFocus } from "./focus";

export interface Column<Row> {
  /** The name by which the router sorts; the column's own where it cannot be sorted by. */
  key: string;
  label: string;
  numeric?: boolean;
  /** Takes what room there is. */
  wide?: boolean;
  sortable?: boolean;
  /** What one must be allowed to do to the rows to see it. */
  needs?: string;
  cell: (row: Row) => ComponentChildren;
}

export interface Order {
  sort: string;
  descending: boolean;
}

interface Props<Row> {
  caption: string;
  columns: Column<Row>[];
  rows: Row[];
  rowKey: (row: Row) => string | number;
  order?: Order;
  onOrder?: (order: Order) => void;
  empty: string;
}

export function Table<Row>({ caption, columns, rows, rowKey, order, onOrder, empty }: Props<Row>) {
  const element = useRef<HTMLTableElement>(null);
  useKeptFocus(element);
  if (!rows.length) return <p class="empty">{empty}</p>;
  return (
    <table role="table" ref={element} tabIndex={-1}>
      <caption class="hidden">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">{columns.map((column) => <Head key={column.key} column={column} order={order} onOrder={onOrder} />)}</tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr role="row" key={rowKey(row)}>
            {columns.map(({ key, label, numeric, wide, cell }) => (
              <td role="cell" key={key} data-label={label} class={numeric ? "number" : wide ? "wide" : undefined}><span>{cell(row)}</span></td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface HeadProps<Row> {
  column: Column<Row>;
  order: Order | undefined;
  onOrder: ((order: Order) => void) | undefined;
}

function Head<Row>({ column: { key, label, numeric, sortable }, order, onOrder }: HeadProps<Row>) {
  const kind = numeric ? "number" : undefined;
  if (!sortable || !order || !onOrder) return <th role="columnheader" scope="col" class={kind}>{label || <span class="hidden">Actions</span>}</th>;
  const sorted = order.sort === key ? (order.descending ? "descending" : "ascending") : "none";
  const next = { sort: key, descending: sorted === "none" ? Boolean(numeric) : !order.descending };
  return (
    <th role="columnheader" scope="col" class={kind} aria-sort={sorted}>
      <button type="button" class="sort" onClick={() => onOrder(next)}>
        {label}<span aria-hidden="true" class="arrow">{sorted === "none" ? "" : order.descending ? "▼" : "▲"}</span>
      </button>
    </th>
  );
}

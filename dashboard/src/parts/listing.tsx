// A long list that the router sorts, searches and cuts into pages.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useLive } from "../live";
import type { Dict } from "../wamp/session";
import { count } from "../pure/format";
import { Trouble } from "./notice";
import { RealmPicker, realms, shownRealm, useRealms } from "./realm-picker";
import { Table, type Column, type Order } from "./table";

const PAGE = 50;
const EVERY_MS = 2000;
const TYPING_MS = 250;

interface Props<Row> {
  procedure: string;
  what: string;
  searchLabel: string;
  columns: Column<Row>[];
  rowKey: (row: Row) => string;
  first: Order;
  /** What was done to the rows: when it changes, they are asked for at once. */
  done?: string;
  /** What stands below, by what the role may do to the rows. */
  children?: (may: readonly string[]) => ComponentChildren;
}

type Answer<Row> = { total: number; found: number; may?: string[] } & Record<string, Row[]>;

export function Listing<Row>({ procedure, what, searchLabel, columns: all, rowKey, first, done = "", children }: Props<Row>) {
  useRealms();
  const [order, setOrder] = useState(first);
  const [typed, setTyped] = useState("");
  const [search, setSearch] = useState("");
  const [page, setPage] = useState(0);
  useEffect(() => {
    if (typed.trim() === search) return;
    const timer = setTimeout(() => (setSearch(typed.trim()), setPage(0)), TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed, search]);
  const argument: Dict = { search, ...order, limit: PAGE, offset: page * PAGE, ...(shownRealm.value ? { realm: shownRealm.value } : {}) };
  const { data, problem, refresh } = useLive<Answer<Row>>(procedure, argument, EVERY_MS);
  const pages = Math.max(1, Math.ceil((data?.found ?? 0) / PAGE));
  useEffect(() => setPage(0), [shownRealm.value]);
  useEffect(() => {
    if (data && page >= pages) setPage(pages - 1); // there are fewer now
  }, [data, page, pages]);
  useEffect(refresh, [done]);
  if (!data && problem) return <Trouble problem={problem} />;
  const rows = data?.[procedure] ?? [];
  const may = data?.may ?? [];
  const columns = all.filter(({ key, needs }) => (key !== "realm" || realms.value.length > 1) && (!needs || may.includes(needs)));
  return (
    <>
      <Trouble problem={problem} />
      <div class="bar">
        <label class="search"><span class="hidden">{searchLabel}</span>
          <input type="search" placeholder={searchLabel} value={typed} maxLength={200} spellcheck={false} onInput={(event) => setTyped(event.currentTarget.value)} />
        </label>
        <RealmPicker />
        {columns.some(({ sortable }) => sortable) && <SortPicker columns={columns} order={order} onOrder={(next) => (setOrder(next), setPage(0))} />}
        <span class="soft amount" role={search ? "status" : undefined}>{data ? (data.found === data.total ? `${count(data.total)} ${what}` : `${count(data.found)} of ${count(data.total)} ${what}`) : ""}</span>
      </div>
      {data ? <Table caption={what} columns={columns} rows={rows} rowKey={rowKey} order={order} onOrder={(next) => (setOrder(next), setPage(0))}
        empty={search ? `No ${what} fit the search.` : `There are no ${what}.`} /> : <p class="empty">Asking the router …</p>}
      {pages > 1 && (
        <nav class="pages" aria-label="Pages">
          <Turn label="Previous" to={page - 1} pages={pages} onPage={setPage} />
          <span role="status">Page {page + 1} of {pages}</span>
          <Turn label="Next" to={page + 1} pages={pages} onPage={setPage} />
        </nav>
      )}
      {children?.(may)}
    </>
  );
}

/** It keeps the focus where there is nothing further on, which a disabled button would lose. */
function Turn({ label, to, pages, onPage }: { label: string; to: number; pages: number; onPage: (page: number) => void }) {
  const isThere = to >= 0 && to < pages;
  return <button type="button" aria-disabled={!isThere} onClick={() => isThere && onPage(to)}>{label}</button>;
}

/** On a narrow screen there are no column heads to click. */
function SortPicker<Row>({ columns, order, onOrder }: { columns: Column<Row>[]; order: Order; onOrder: (order: Order) => void }) {
  const value = `${order.sort} ${order.descending}`;
  const change = (event: { currentTarget: HTMLSelectElement }) => {
    const [sort, descending] = event.currentTarget.value.split(" ");
    onOrder({ sort: sort!, descending: descending === "true" });
  };
  return (
    <label class="inline narrow">Sort
      <select value={value} onChange={change}>
        {columns.filter(({ sortable }) => sortable).flatMap(({ key, label }) => [
          <option key={key} value={`${key} false`}>{label} ▲</option>,
          <option key={`${key}-`} value={`${key} true`}>{label} ▼</option>,
        ])}
      </select>
    </label>
  );
}

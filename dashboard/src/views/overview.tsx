// The router at a glance: figures of this second, and the last hour.

import { useEffect, useState } from "preact/hooks";
import { firstOf, useLive, useTopic } from "../live";
import { busiest, latest, sumOf, TICK, type History, type Overview, type RealmFigures, type Series, type Tick } from "../monitor";
import { Chart } from "../parts/chart";
import { Notice, Trouble } from "../parts/notice";
import { learnRealms, RealmPicker, realms, shownRealm } from "../parts/realm-picker";
import { Table, type Column } from "../parts/table";
import { bytes, count, duration, moment, percent, rate } from "../pure/format";
import { visible } from "../pure/visible";

const CHARTS: [Series, string, (value: number | null) => string][] = [
  ["sessions", "Sessions", count],
  ["calls", "Calls/s", rate],
  ["publications", "Publications/s", rate],
  ["events", "Events/s", rate],
  ["errors", "Errors/s", rate],
  ["latency", "Latency", duration],
  ["cpu", "CPU", percent],
  ["rss", "Memory", bytes],
];

const COLUMNS: Column<RealmFigures>[] = [
  { key: "name", label: "Realm", cell: (realm) => <b>{visible(realm.name)}</b> },
  { key: "sessions", label: "Sessions", numeric: true, cell: (realm) => count(realm.sessions) },
  { key: "registrations", label: "Registrations", numeric: true, cell: (realm) => count(realm.registrations) },
  { key: "subscriptions", label: "Subscriptions", numeric: true, cell: (realm) => count(realm.subscriptions) },
  { key: "under_way", label: "Calls under way", numeric: true, cell: (realm) => count(realm.under_way) },
  { key: "calls", label: "Calls/s", numeric: true, cell: (realm) => rate(realm.rates.calls) },
  { key: "publications", label: "Publications/s", numeric: true, cell: (realm) => rate(realm.rates.publications) },
  { key: "events", label: "Events/s", numeric: true, cell: (realm) => rate(realm.rates.events) },
  { key: "errors", label: "Errors/s", numeric: true, cell: (realm) => rate(realm.rates.errors) },
];

/** How many realms are listed; of more, those with most sessions. */
const MOST_LISTED = 100;

export function OverviewView() {
  const { data, problem } = useLive<Overview>("overview", {}, 10_000);
  const [tick, setTick] = useState<Tick | null>(null);
  const silent = useTopic(TICK, (event) => setTick(firstOf(event) as unknown as Tick));
  useEffect(() => (data ? learnRealms(data) : setTick(null)), [data]);
  if (!data) return problem ? <Trouble problem={problem} /> : <p class="empty">Asking the router …</p>;
  const { process } = tick ?? data;
  const chosen = latest(data.realms, tick?.realms).filter(({ name }) => !shownRealm.value || name === shownRealm.value);
  const sum = sumOf(chosen);
  const listed = busiest(chosen, MOST_LISTED);
  return (
    <>
      <Trouble problem={problem ?? silent} />
      <div class="bar"><RealmPicker /></div>
      <dl class="tiles">
        <Tile label="Sessions" value={count(sum.sessions)} />
        <Tile label="Calls/s" value={rate(sum.rates.calls)} />
        <Tile label="Calls under way" value={count(sum.under_way)} />
        <Tile label="Publications/s" value={rate(sum.rates.publications)} />
        <Tile label="Events/s" value={rate(sum.rates.events)} />
        <Tile label="Errors/s" value={rate(sum.rates.errors)} tone={sum.rates.errors > 0 ? "bad" : ""} />
        <Tile label="CPU, of one core" value={percent(process.cpu)} />
        <Tile label="Memory" value={bytes(process.rss)} />
      </dl>
      <Charts />
      <section aria-labelledby="realms"><h2 id="realms">Realms</h2>
        {listed.length < chosen.length && <Notice>The {count(listed.length)} of {count(chosen.length)} realms with most sessions are listed; choose another above.</Notice>}
        <Table caption="Realms" columns={COLUMNS} rows={listed} rowKey={(realm) => realm.name} empty="No realm is open." />
      </section>
      <About data={data} />
    </>
  );
}

function Tile({ label, value, tone = "" }: { label: string; value: string; tone?: string }) {
  return <div class={`tile ${tone}`}><dt>{label}</dt><dd>{value}</dd></div>;
}

function Charts() {
  const realm = shownRealm.value && realms.value.length > 1 ? { realm: shownRealm.value } : {};
  const { data, problem } = useLive<History>("history", realm, 10_000);
  if (!data) return <Trouble problem={problem} />;
  return (
    <section aria-labelledby="hour"><h2 id="hour">The last hour</h2>
      <Trouble problem={problem} />
      <div class="charts">
        {CHARTS.map(([series, title, format]) => (
          <Chart key={series} title={title} points={data.series[series] ?? []} step={data.step} until={new Date(data.until ?? Date.now())} format={format}
            base={series === "rss" ? 2 : 10} tone={series === "errors" ? "bad" : ""} />
        ))}
      </div>
    </section>
  );
}

function About({ data: { router, process, struck } }: { data: Overview }) {
  const limits = Object.entries(struck).filter(([, times]) => times > 0);
  return (
    <section aria-labelledby="about"><h2 id="about">The process</h2>
      <dl class="facts">
        <Fact name="Version">{router.version} on {router.python}</Fact>
        <Fact name="Process">{router.pid}</Fact>
        <Fact name="Running since">{moment(router.started)} ({duration(router.uptime)})</Fact>
        <Fact name="Connections">{count(process.connections)}</Fact>
        <Fact name="File descriptors">{count(process.fds)}</Fact>
        {limits.map(([what, times]) => <Fact key={what} name={`Struck: ${what}`}>{count(times)} ×</Fact>)}
      </dl>
    </section>
  );
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return <div><dt>{name}</dt><dd>{children}</dd></div>;
}

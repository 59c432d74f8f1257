// What `wampd.monitor.*` answers. Times are seconds, sizes bytes, rates per second, moments RFC 3339.

export interface Rates {
  calls: number;
  publications: number;
  events: number;
  errors: number;
}

export interface RealmFigures {
  name: string;
  sessions: number;
  under_way: number;
  registrations: number;
  subscriptions: number;
  rates: Rates;
}

export interface ProcessFigures {
  cpu: number;
  rss: number;
  fds: number;
  connections: number;
}

export interface Overview {
  router: { version: string; pid: number; started: string; uptime: number; agent: string; python: string };
  process: ProcessFigures;
  realms: RealmFigures[];
  struck: Record<string, number>;
}

export interface Tick {
  at: string;
  process: ProcessFigures;
  realms: RealmFigures[];
}

export interface SessionRow {
  realm: string;
  session: number;
  authid: string;
  authrole: string;
  authmethod: string;
  authprovider: string;
  address: string | null;
  transport: string;
  protocol: string;
  agent?: string | null;
  since: string;
  in: number;
  out: number;
  received: number;
  sent: number;
  queued: number;
  dropped: number;
  under_way: number;
  registrations: number;
  subscriptions: number;
}

export interface RegistrationRow {
  realm: string;
  id: number;
  uri: string;
  match: string;
  invoke: string;
  created: string;
  callees: number;
  rate: number;
  calls: number;
  errors: number;
  under_way: number;
  waiting: number;
  latency: number | null;
}

export interface SubscriptionRow {
  realm: string;
  id: number;
  uri: string;
  match: string;
  created: string | null;
  subscribers: number;
  rate: number;
  events: number;
}

export interface ErrorRow {
  at: string;
  realm: string;
  error: string;
  uri: string;
  session: number;
  authid: string;
  count: number;
}

export interface SlowCall {
  realm: string;
  procedure: string;
  caller: number;
  callee: number | null;
  since: string;
  age: number;
  ended: boolean;
}

export interface SlowConsumer {
  realm: string;
  session: number;
  authid: string;
  queued: number;
  dropped: number;
  since: string | null;
}

export type Series = "sessions" | "calls" | "publications" | "events" | "errors" | "cpu" | "rss" | "latency";

export interface History {
  step: number;
  until: string | null;
  series: Record<Series, (number | null)[]>;
}

export const PREFIX = "wampd.monitor.";
export const TICK = `${PREFIX}tick`;

/** How many realms a tick tells of at most: of more, those with most sessions. */
const MOST_TICKED = 100;

/** The realms as the last tick has them; those that it leaves out since there are too many, as the overview has them. */
export function latest(overview: RealmFigures[], tick: RealmFigures[] | undefined): RealmFigures[] {
  if (!tick) return overview;
  if (tick.length < MOST_TICKED) return tick;
  const ticked = new Map(tick.map((realm) => [realm.name, realm]));
  const both = overview.map((realm) => ticked.get(realm.name) ?? realm);
  const known = new Set(overview.map(({ name }) => name));
  return [...both, ...tick.filter(({ name }) => !known.has(name))];
}

/** Those with most sessions, if there are very many, in the order that they have. */
export function busiest(realms: RealmFigures[], most: number): RealmFigures[] {
  if (realms.length <= most) return realms;
  const chosen = new Set([...realms].sort((one, other) => other.sessions - one.sessions).slice(0, most));
  return realms.filter((realm) => chosen.has(realm));
}

/** Of several realms together. */
export function sumOf(realms: RealmFigures[]): Omit<RealmFigures, "name"> {
  const sum = { sessions: 0, under_way: 0, registrations: 0, subscriptions: 0, rates: { calls: 0, publications: 0, events: 0, errors: 0 } };
  for (const { rates, ...realm } of realms) {
    sum.sessions += realm.sessions;
    sum.under_way += realm.under_way;
    sum.registrations += realm.registrations;
    sum.subscriptions += realm.subscriptions;
    for (const key of Object.keys(sum.rates) as (keyof Rates)[]) sum.rates[key] += rates[key];
  }
  return sum;
}

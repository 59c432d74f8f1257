// The parts without a page: figures, JSON, history, tail, curves, the first message and the proof.

import assert from "node:assert/strict";
import test from "node:test";
import { backoff } from "../src/pure/backoff";
import { ceiling, known, path } from "../src/pure/curve";
import { busiest, latest, type RealmFigures } from "../src/monitor";
import { bytes, count, duration, moment, percent, rate, timeOfDay } from "../src/pure/format";
import { added, entriesOf, MOST, Walk, type Entry } from "../src/pure/history";
import { pretty, readDict, readList } from "../src/pure/json";
import { Tail } from "../src/pure/tail";
import { visible } from "../src/pure/visible";

const entry = (uri: string, more: Partial<Entry> = {}): Entry => ({ kind: "call", uri, args: "", kwargs: "", options: "", ...more });

test("pauses grow, are spread, and have an end", () => {
  assert.deepEqual([0, 1, 2].map((attempt) => backoff(attempt, 1)), [500, 1000, 2000]);
  assert.equal(backoff(0, 0), 250);
  assert.equal(backoff(1000, 1), 15_000);
});

test("figures are short, and what is not known is a dash", () => {
  assert.equal(count(1234567), "1\u202f234\u202f567");
  assert.deepEqual([0, 0.01, 0.44, 99.9, 99.96, 1234.4].map(rate), ["0", "<0.1", "0.4", "99.9", "100", "1\u202f234"]);
  assert.deepEqual([0, 1023, 1024, 1536, 150 * 1024, 2 ** 30, 2 ** 20 - 1].map(bytes), ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "150 KiB", "1.0 GiB", "1.0 MiB"]);
  assert.deepEqual([0.00025, 0.0015, 0.25, 2.5, 59.97, 185, 7800, 273_600].map(duration), ["250 µs", "1.5 ms", "250 ms", "2.5 s", "1 min 00 s", "3 min 05 s", "2 h 10 min", "3 d 4 h"]);
  assert.equal(percent(0.1234), "12.3 %");
  for (const format of [count, rate, bytes, duration, percent]) {
    assert.equal(format(null), "–");
    assert.equal(format(Number.NaN), "–");
  }
});

test("a moment of today is a time, one of another day has its date", () => {
  const now = new Date(2030, 0, 2, 3, 4, 5);
  assert.equal(moment(now.toISOString(), now), "03:04:05");
  assert.equal(moment(new Date(2029, 11, 31, 1, 2, 3).toISOString(), now), "2029-12-31 01:02:03");
  assert.equal(moment("yesterday", now), "–");
  assert.equal(moment(null, now), "–");
});

test("what is typed must be JSON of the right kind, or nothing", () => {
  assert.deepEqual(readList(" "), { value: [] });
  assert.deepEqual(readList("[1]"), { value: [1] });
  assert.deepEqual(readDict('{"a": [1]}'), { value: { a: [1] } });
  assert.match(readList("{}").problem!, /^expected a list/);
  assert.match(readDict("[]").problem!, /^expected a mapping/);
  assert.match(readDict("null").problem!, /^expected a mapping/);
  assert.match(readList("[1,\n x]").problem!, /^not JSON.*expected a list/);
});

test("a number that would not be sent as it was typed is not sent, or is sent to the last digit", () => {
  for (const typed of ["[12345678901234567890]", "[-9007199254740993]", "[1e400]"]) {
    const { value, problem } = readList(typed);
    if (problem === undefined) assert.equal(JSON.stringify(value), typed); // in newer engines
    else assert.match(problem, /would round/);
  }
  for (const typed of ["[9007199254740992]", "[0.1234567890123456]", '["12345678901234567890"]', '["\\"12345678901234567890"]', "[1e300]"]) {
    assert.deepEqual(readList(typed).value, JSON.parse(typed));
  }
  assert.ok(readDict("12345678901234567890").problem); // whatever stands for it
});

test("what cannot be seen, or turns round what is seen, is written out", () => {
  assert.equal(visible("com.\u202Eevil\u200B\0.\u{E0041}\uD800"), "com.\\u202eevil\\u200b\\u0000.\\udb40\\udc41\\ud800");
  for (const seen of ["com.example.näme", "日本.語", "שלום", "👩‍🚀", "two\nlines"]) assert.equal(visible(seen), seen);
  assert.equal(pretty("a\u2066b\u202Ec"), '"a\\u2066b\\u202ec"');
});

test("figures are those of the last tick; of realms that it leaves out those of the overview", () => {
  const realm = (name: string, sessions: number): RealmFigures => (
    { name, sessions, under_way: 0, registrations: 0, subscriptions: 0, rates: { calls: 0, publications: 0, events: 0, errors: 0 } });
  const told = (realms: RealmFigures[]) => realms.map(({ name, sessions }) => `${name}=${sessions}`);
  const two = [realm("a", 1), realm("b", 1)];
  assert.deepEqual(told(latest(two, undefined)), ["a=1", "b=1"]);
  assert.deepEqual(told(latest(two, [realm("b", 2)])), ["b=2"]); // the other was closed
  const many = Array.from({ length: 150 }, (_, index) => realm(`r${index}`, 1));
  const ticked = [...many.slice(0, 99).map(({ name }) => realm(name, 2)), realm("new", 2)];
  const both = latest(many, ticked);
  assert.equal(both.length, 151);
  assert.deepEqual(told(busiest([realm("a", 1), realm("b", 3), realm("c", 0), realm("d", 2)], 2)), ["b=3", "d=2"]);
  assert.equal(busiest(two, 2), two);
  assert.equal(both.reduce((sum, { sessions }) => sum + sessions, 0), 99 * 2 + 51 + 2);
});

test("midnight is 0 o'clock", () => assert.equal(timeOfDay(new Date(2026, 0, 1, 0, 5, 9)), "00:05:09"));

test("of what was remembered only what is a history counts", () => {
  for (const strange of [null, {}, "[]", 7, [null, 1, "x", {}, { kind: "call", uri: 1 }, { ...entry("a"), kind: "erase" }]]) {
    assert.deepEqual(entriesOf(strange), []);
  }
  assert.deepEqual(entriesOf([entry("a"), 1, entry("b")]).map(({ uri }) => uri), ["a", "b"]);
});

test("short values stand on one line, others do not, and long ones are cut", () => {
  assert.equal(pretty({ a: [1, 2], "b:,": "c,d:\"e" }), '{"a": [1, 2], "b:,": "c,d:\\"e"}');
  assert.ok(pretty(Array.from({ length: 50 }, (_, index) => index)).includes("\n"));
  assert.match(pretty("x".repeat(300), 100), /… 202 more characters$/);
});

test("the history has each thing once, newest first, and ends", () => {
  let history: Entry[] = [];
  for (const uri of ["a", "b", "a"]) history = added(history, entry(uri));
  assert.deepEqual(history.map(({ uri }) => uri), ["a", "b"]);
  for (let index = 0; index < 2 * MOST; index++) history = added(history, entry(`u${index}`));
  assert.equal(history.length, MOST);
  assert.deepEqual(added([], entry("long", { args: `["${"x".repeat(5000)}"]` })), []);
});

test("the history keeps no value whose key says that it is secret", () => {
  const [kept] = added([], entry("login", { kwargs: '{"name": "joe", "deep": [{"passWord": "hunter2"}], "apiKey": "hunter2"}', options: '{"token": "hunter2"}' }));
  assert.doesNotMatch(JSON.stringify(kept), /hunter2/);
  assert.match(kept!.kwargs, /joe/);
});

test("one walks through the history and back to what was being written", () => {
  const history = [entry("newest"), entry("oldest")];
  const walk = new Walk();
  const draft = entry("draft");
  assert.equal(walk.step(history, -1, draft), null);
  assert.equal(walk.step(history, 1, draft)?.uri, "newest");
  assert.equal(walk.step(history, 1, entry("newest"))?.uri, "oldest");
  assert.equal(walk.step(history, 1, entry("oldest")), null);
  assert.equal(walk.step(history, -1, entry("oldest"))?.uri, "newest");
  assert.equal(walk.step(history, -1, entry("newest"))?.uri, "draft");
});

test("a tail keeps the last ones, and counts those that made room", () => {
  const tail = new Tail(10);
  for (let index = 0; index < 1000; index++) tail.add(0, `t${index}`, "", "");
  assert.deepEqual([tail.received, tail.size, tail.dropped], [1000, 10, 990]);
  assert.deepEqual(tail.shown("", 2).map(({ topic }) => topic), ["t999", "t998"]);
});

test("a paused tail stays as it is, and says how much is new", () => {
  const tail = new Tail(10);
  tail.add(0, "old", "", "");
  tail.pause();
  for (let index = 0; index < 30; index++) tail.add(0, "new", "", "");
  assert.deepEqual(tail.shown("", 99).map(({ topic }) => topic), ["old"]);
  assert.equal(tail.behind, 30);
  tail.clear();
  assert.equal(tail.behind, 30);
  tail.go();
  assert.equal(tail.behind, 0);
});

test("a filter looks at topics and contents, whatever their case", () => {
  const tail = new Tail(10);
  tail.add(0, "com.A", "x", "");
  tail.add(0, "com.b", "hello A", "");
  tail.add(0, "com.c", "x", "");
  assert.deepEqual(tail.shown("a", 99).map(({ topic }) => topic), ["com.b", "com.A"]);
});

test("scales are round", () => {
  assert.deepEqual([0, -1, 0.3, 1, 1.1, 42, 51].map((value) => ceiling(value)), [1, 1, 0.5, 1, 2, 50, 100]);
  assert.equal(ceiling(61_000_000, 2), 2 ** 26);
});

test("charts begin where something is known, but show a few minutes", () => {
  assert.deepEqual(known([null, null, 1, null, 2], 2), [1, null, 2]);
  assert.deepEqual(known([null, null, null, 1], 3), [null, null, 1]);
  assert.equal(known(Array(360).fill(null), 31).length, 31);
});

test("curves have gaps where nothing is known", () => {
  const { line, area } = path([0, 10, null, 5], 10, 100);
  assert.equal(line, "M0 99L1 1M3 50h.01");
  assert.equal(area, "M0 100L0 99L1 1L1 100ZM3 100L3 50L3 100Z");
});

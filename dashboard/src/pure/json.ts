// What people type as JSON: checked, with messages that say what is expected and where it goes wrong.

import type { Dict, Json } from "../wamp/session";
import { visible } from "./visible";

/** Numbers as they stand in the text: of newer browsers. */
const exactly = JSON as unknown as { rawJSON?: (text: string) => Json; isRawJSON?: (value: unknown) => boolean };
const INTEGER = /^-?\d+$/;
/** Without this, every number is one of JavaScript's. */
const LONG = /\d{16}|[eE]\+?\d{3}/;

/** The value of a JSON text. Numbers that JavaScript would round stay what they are, where the browser can do that. */
export function parsed(text: string): Json {
  const { rawJSON } = exactly;
  if (!rawJSON || !LONG.test(text)) return JSON.parse(text) as Json;
  const revive = (_: string, value: Json, { source }: { source?: string }) =>
    typeof value === "number" && source !== undefined && isRounded(source, value) ? rawJSON(source) : value;
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown) as Json;
}

function isRounded(source: string, value: number): boolean {
  return !Number.isFinite(value) || (INTEGER.test(source) && !Number.isSafeInteger(value) && String(value) !== source);
}

/** Whether the value would not be what was typed. */
function isLost(text: string): boolean {
  if (exactly.rawJSON) return false;
  const numbers = text.replace(/"(?:[^"\\]|\\.)*"/g, "").match(/-?\d[\d.eE+-]*/g) ?? [];
  return numbers.some((source) => isRounded(source, Number(source)));
}

export type Read<T> = { value: T; problem?: undefined } | { value?: undefined; problem: string };

/** A list of arguments; nothing typed is none. */
export function readList(text: string): Read<Json[]> {
  return read(text, [], Array.isArray, "a list such as [1, \"two\"]");
}

/** A mapping; nothing typed is an empty one. */
export function readDict(text: string): Read<Dict> {
  return read(text, {}, isDict, "a mapping such as {\"name\": 1}");
}

function read<T extends Json>(text: string, empty: T, fits: (value: Json) => boolean, wanted: string): Read<T> {
  if (!text.trim()) return { value: empty };
  let value: Json;
  try {
    value = parsed(text);
  } catch (error) {
    return { problem: `not JSON${where(text, error)}; expected ${wanted}` };
  }
  if (isLost(text)) return { problem: "a number that this browser would round; it can be sent as a text" };
  return fits(value) ? { value: value as T } : { problem: `expected ${wanted}` };
}

/** Where a parser stopped, if it says so. Engines word it differently; what all have is a position or a line and a column. */
function where(text: string, error: unknown): string {
  const said = String(error);
  const position = /position (\d+)/.exec(said);
  if (position) {
    const before = text.slice(0, Number(position[1])).split("\n");
    return ` (line ${before.length}, column ${(before.at(-1) ?? "").length + 1})`;
  }
  const place = /line (\d+) column (\d+)/.exec(said);
  return place ? ` (line ${place[1]}, column ${place[2]})` : "";
}

const LINE = 76;

/** JSON on one line where it fits, else on several; cut where it becomes too long to look at. What cannot be seen is escaped. */
export function pretty(value: Json, most = 20_000): string {
  return visible(laidOut(value, most));
}

function laidOut(value: Json, most: number): string {
  const line = JSON.stringify(value) ?? "";
  if (line.length <= LINE) return line.replace(/[,:](?=(?:[^"\\]|\\.|"(?:[^"\\]|\\.)*")*$)/g, "$& ");
  const text = JSON.stringify(value, null, 2);
  return text.length > most ? `${text.slice(0, most)}\n… ${text.length - most} more characters` : text;
}

/** A mapping as it is; of anything else nothing. */
export function asDict(value: Json | undefined): Dict {
  return isDict(value) ? value : {};
}

function isDict(value: Json | undefined): value is Dict {
  return value !== null && typeof value === "object" && !Array.isArray(value) && !exactly.isRawJSON?.(value);
}

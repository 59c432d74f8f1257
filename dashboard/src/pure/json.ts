// What people type as JSON: checked, with messages that say what is expected and where it goes wrong.

import type { Dict, Json } from "../wamp/session";

export type Read<T> = { value: T; problem?: undefined } | { value?: undefined; problem: string };

/** A list of arguments; nothing typed is none. */
export function readList(text: string): Read<Json[]> {
  return read(text, [], Array.isArray, "a list such as [1, \"two\"]");
}

/** A mapping; nothing typed is an empty one. */
export function readDict(text: string): Read<Dict> {
  const isDict = (value: Json): value is Dict => value !== null && typeof value === "object" && !Array.isArray(value);
  return read(text, {}, isDict, "a mapping such as {\"name\": 1}");
}

function read<T extends Json>(text: string, empty: T, fits: (value: Json) => boolean, wanted: string): Read<T> {
  if (!text.trim()) return { value: empty };
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (error) {
    return { problem: `not JSON${where(text, error)}; expected ${wanted}` };
  }
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

/** JSON on one line where it fits, else on several; cut where it becomes too long to look at. */
export function pretty(value: Json, most = 20_000): string {
  const line = JSON.stringify(value) ?? "";
  if (line.length <= LINE) return line.replace(/[,:](?=(?:[^"\\]|\\.|"(?:[^"\\]|\\.)*")*$)/g, "$& ");
  const text = JSON.stringify(value, null, 2);
  return text.length > most ? `${text.slice(0, most)}\n… ${text.length - most} more characters` : text;
}

/** A mapping as it is; of anything else nothing. */
export function asDict(value: Json | undefined): Dict {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
}

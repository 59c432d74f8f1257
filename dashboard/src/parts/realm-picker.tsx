// Which realm is shown, where the monitor tells of several.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { onOut } from "../link";
import { ask, session } from "../live";
import type { Overview } from "../monitor";

export const realms = signal<string[]>([]);
/** Its name; empty: all that the monitor tells of. */
export const shownRealm = signal("");

onOut(() => {
  realms.value = [];
  shownRealm.value = "";
});

/** Learns once for each session which realms there are. A role that may not ask sees what its lists show. */
export function useRealms(): void {
  const of = session.value;
  useEffect(() => {
    if (!of) return;
    ask<Overview>(of, "overview").then(learnRealms, () => undefined); // what it may not see is said by the view
  }, [of]);
}

/** Takes the realms from an overview that somebody has asked for. */
export function learnRealms(overview: Overview): void {
  const names = overview.realms.map(({ name }) => name);
  if (names.join("\n") !== realms.value.join("\n")) realms.value = names;
  if (!names.includes(shownRealm.value)) shownRealm.value = "";
}

export function RealmPicker() {
  if (realms.value.length < 2) return null;
  return (
    <label class="inline">Realm
      <select value={shownRealm.value} onChange={(event) => (shownRealm.value = event.currentTarget.value)}>
        <option value="">all</option>
        {realms.value.map((name) => <option key={name} value={name}>{name}</option>)}
      </select>
    </label>
  );
}

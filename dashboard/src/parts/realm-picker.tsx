// Which realm is shown, where the monitor tells of several.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask, session } from "../live";
import type { Overview } from "../monitor";

export const realms = signal<string[]>([]);
/** Its name; empty: all that the monitor tells of. */
export const shownRealm = signal("");

/** Learns once for each session which realms there are. A role that may not ask sees what its lists show. */
export function useRealms(): void {
  const of = session.value;
  useEffect(() => {
    if (!of) return;
    ask<Overview>(of, "overview").then((overview) => {
      realms.value = overview.realms.map(({ name }) => name);
      if (!realms.value.includes(shownRealm.value)) shownRealm.value = "";
    }, () => undefined); // what it may not see is said by the view
  }, [of]);
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

// How long to wait before the next attempt to connect.

const FIRST_MS = 500;
const MOST_MS = 15_000;

/** Milliseconds before attempt `attempt` (from 0); `chance` of 0 to 1 spreads those who all lost their connections at once. */
export function backoff(attempt: number, chance: number): number {
  const full = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.round(full * (0.5 + chance / 2));
}

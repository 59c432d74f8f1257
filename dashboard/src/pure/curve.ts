// Points to SVG paths: one unit of x from each point to the next; where nothing is known there is a gap.

/** The points from the first that is known on, but at least `fewest`. */
export function known(points: (number | null)[], fewest: number): (number | null)[] {
  const first = points.findIndex((value) => value !== null);
  return points.slice(Math.min(first < 0 ? points.length : first, Math.max(0, points.length - fewest)));
}

/** The next round figure: 1, 2 or 5 times a power of ten, or a power of two. */
export function ceiling(value: number, base: 2 | 10 = 10): number {
  if (!(value > 0)) return 1;
  if (base === 2) return 2 ** Math.ceil(Math.log2(value));
  const power = 10 ** Math.floor(Math.log10(value));
  for (const factor of [1, 2, 5]) if (value <= factor * power) return factor * power;
  return 10 * power;
}

/** The line through the points, and the area below it. */
export function path(points: (number | null)[], top: number, height: number): { line: string; area: string } {
  let line = "", area = "";
  for (const run of runs(points)) {
    const at = (index: number) => `${index} ${round(height - 1 - (points[index]! / top) * (height - 2))}`;
    const inner = Array.from({ length: run.end - run.start }, (_, index) => at(run.start + index)).join("L");
    line += run.end - run.start === 1 ? `M${inner}h.01` : `M${inner}`;
    area += `M${run.start} ${height}L${inner}L${run.end - 1} ${height}Z`;
  }
  return { line, area };
}

function runs(points: (number | null)[]): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = [];
  let start = -1;
  for (let index = 0; index <= points.length; index++) {
    const known = index < points.length && points[index] !== null;
    if (known && start < 0) start = index;
    if (!known && start >= 0) {
      found.push({ start, end: index });
      start = -1;
    }
  }
  return found;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

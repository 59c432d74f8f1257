// A line over the last hour, or over what is known of it. Small multiples: each figure has a chart and a scale of its own, from zero.

import { useState } from "preact/hooks";
import { ceiling, known, path } from "../pure/curve";
import { timeOfDay } from "../pure/format";

interface Props {
  title: string;
  points: (number | null)[];
  /** Seconds between points; the last is at `until`. */
  step: number;
  until: Date;
  format: (value: number | null) => string;
  /** Of the steps of the scale: 2 for sizes in bytes. */
  base: 2 | 10;
  tone: "bad" | "";
}

const HEIGHT = 90;
const FEWEST = 31; // points: five minutes

export function Chart({ title, points: all, step, until, format, base, tone }: Props) {
  const [at, setAt] = useState<number | null>(null);
  const points = known(all, FEWEST);
  const values = points.filter((value) => value !== null);
  const top = ceiling(Math.max(0, ...values), base);
  const last = points.length - 1;
  const shown = at === null ? last : Math.min(at, last);
  const value = points[shown] ?? null;
  const when = new Date(until.getTime() - (last - shown) * step * 1000);
  const point = (event: PointerEvent) => {
    const { left, width } = (event.currentTarget as Element).getBoundingClientRect();
    setAt(Math.max(0, Math.min(last, Math.round((event.clientX - left) / width * last))));
  };
  const minutes = Math.round(last * step / 60);
  const summary = values.length
    ? `${title}, last ${minutes} minutes: now ${format(points[last] ?? null)}, at most ${format(Math.max(...values))}, at least ${format(Math.min(...values))}`
    : `${title}: nothing known yet`;
  const { line, area } = path(points, top, HEIGHT);
  return (
    <figure class={`chart ${tone}`}>
      <figcaption>
        <span>{title}</span>
        <b>{format(value)}</b>
      </figcaption>
      <svg viewBox={`0 0 ${last} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={summary}
        onPointerMove={point} onPointerDown={point} onPointerLeave={() => setAt(null)}>
        <path class="grid" d={`M0 .5H${last}M0 ${HEIGHT / 2}H${last}M0 ${HEIGHT - .5}H${last}`} />
        <path class="area" d={area} />
        <path class="line" d={line} />
        {at !== null && <path class="cursor" d={`M${shown} 0V${HEIGHT}`} />}
      </svg>
      <div class="scale" aria-hidden="true"><span>−{minutes} min</span><span>{at === null ? `0 … ${format(top)}` : timeOfDay(when)}</span><span>now</span></div>
    </figure>
  );
}

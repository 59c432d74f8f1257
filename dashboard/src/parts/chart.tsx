// A line over the last hour. Small multiples: each figure has a chart and a scale of its own, from zero.

import { useState } from "preact/hooks";
import { ceiling, path } from "../pure/curve";

interface Props {
  title: string;
  points: (number | null)[];
  /** Seconds between points; the last is at `until`. */
  step: number;
  until: Date;
  format: (value: number | null) => string;
  tone?: "bad";
}

const WIDTH = 360;
const HEIGHT = 90;

export function Chart({ title, points, step, until, format, tone }: Props) {
  const [at, setAt] = useState<number | null>(null);
  const known = points.filter((value) => value !== null);
  const top = ceiling(Math.max(0, ...known));
  const last = points.length - 1;
  const shown = at === null ? last : Math.min(at, last);
  const value = points[shown] ?? null;
  const when = new Date(until.getTime() - (last - shown) * step * 1000);
  const point = (event: PointerEvent) => {
    const { left, width } = (event.currentTarget as Element).getBoundingClientRect();
    const x = (event.clientX - left) / width * (WIDTH - 1);
    setAt(Math.max(0, Math.min(last, Math.round(x - (WIDTH - 1 - last)))));
  };
  const summary = known.length
    ? `${title}, last hour: now ${format(points[last] ?? null)}, at most ${format(Math.max(...known))}, at least ${format(Math.min(...known))}`
    : `${title}: nothing known yet`;
  const { line, area } = path(points, top, WIDTH, HEIGHT);
  return (
    <figure class={`chart ${tone ?? ""}`}>
      <figcaption>
        <span>{title}</span>
        <b>{format(value)}</b>
        <small>{at === null ? "now" : when.toLocaleTimeString([], { hour12: false })}</small>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={summary}
        onPointerMove={point} onPointerDown={point} onPointerLeave={() => setAt(null)}>
        <path class="grid" d={`M0 .5H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT - .5}H${WIDTH}`} />
        <path class="area" d={area} />
        <path class="line" d={line} />
        {at !== null && <path class="cursor" d={`M${shown + WIDTH - 1 - last} 0V${HEIGHT}`} />}
      </svg>
      <div class="scale" aria-hidden="true"><span>−60 min</span><span>0 … {format(top)}</span><span>now</span></div>
    </figure>
  );
}

// Figures as people read them. All are of a steady width or nearly so, so that a table does not dance.

const BYTES = ["B", "KiB", "MiB", "GiB", "TiB"];
const NONE = "–";

type Figure = number | null | undefined;

function isKnown(value: Figure): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** 1234567 → 1 234 567 */
export function count(value: Figure): string {
  return isKnown(value) ? Math.round(value).toString().replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f") : NONE;
}

/** A rate or another figure that may be small: 0, 0.4, 12.3, 1 234 */
export function rate(value: Figure): string {
  if (!isKnown(value)) return NONE;
  if (value === 0) return "0";
  if (value < 0.05) return "<0.1";
  return value < 99.95 ? value.toFixed(1) : count(value);
}

/** 1536 → 1.5 KiB */
export function bytes(value: Figure): string {
  if (!isKnown(value)) return NONE;
  let size = value, unit = 0;
  while (size >= 1023.95 && unit < BYTES.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${unit && size < 99.95 ? size.toFixed(1) : Math.round(size)} ${BYTES[unit]}`;
}

/** 0.123 → 12.3 % */
export function percent(value: Figure): string {
  return isKnown(value) ? `${(value * 100).toFixed(1)} %` : NONE;
}

/** Seconds: 250 µs, 1.5 ms, 2.5 s, 3 min 05 s, 2 h 10 min, 3 d 4 h */
export function duration(seconds: Figure): string {
  if (!isKnown(seconds)) return NONE;
  if (seconds < 0.000_999_5) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 0.999_5) return `${(seconds * 1e3).toFixed(seconds < 0.099_95 ? 1 : 0)} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [d, h, min, s] = [Math.floor(whole / 86_400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60, whole % 60];
  if (d) return `${d} d ${h} h`;
  return h ? `${h} h ${two(min)} min` : `${min} min ${two(s)} s`;
}

/** A moment as RFC 3339 has it: the time of day, and the date if that is not today's. */
export function moment(text: string | null | undefined, now: Date = new Date()): string {
  const at = new Date(text ?? "");
  if (Number.isNaN(at.getTime())) return NONE;
  const time = timeOfDay(at);
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return at.toDateString() === now.toDateString() ? time : `${day} ${time}`;
}

/** 09:05:01; browsers differ in what they call midnight. */
export function timeOfDay(at: Date): string {
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

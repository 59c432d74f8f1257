// A live tail: the last events, bounded, with a count of what had to make room; paused and filtered without losing its place.

export interface Line {
  id: number;
  at: number;
  topic: string;
  text: string;
  /** What is said beside it: its publication, whether it was kept for later subscribers. */
  note: string;
}

export class Tail {
  private lines: Line[] = [];
  private frozen: Line[] | null = null;
  private frozenAt = 0;
  private lastId = 0;
  received = 0;
  dropped = 0;

  constructor(private readonly most: number) {}

  add(at: number, topic: string, text: string, note: string): void {
    this.received++;
    this.lines.push({ id: ++this.lastId, at, topic, text, note });
    if (this.lines.length > this.most * 1.5) this.trim();
  }

  /** The newest that fit the filter, newest first. */
  shown(filter: string, most: number): Line[] {
    const wanted = filter.toLowerCase();
    const found: Line[] = [];
    const lines = this.frozen ?? this.kept;
    for (let index = lines.length - 1; index >= 0 && found.length < most; index--) {
      const line = lines[index]!;
      if (!wanted || line.topic.toLowerCase().includes(wanted) || line.text.toLowerCase().includes(wanted)) found.push(line);
    }
    return found;
  }

  get isPaused(): boolean {
    return this.frozen !== null;
  }

  /** How many have come since it was paused. */
  get behind(): number {
    return this.frozen ? this.lastId - this.frozenAt : 0;
  }

  get size(): number {
    return this.kept.length;
  }

  pause(): void {
    this.frozen = this.kept.slice();
    this.frozenAt = this.lastId;
  }

  go(): void {
    this.frozen = null;
  }

  clear(): void {
    this.lines = [];
    if (this.frozen) this.frozen = [];
    this.received = 0;
    this.dropped = 0;
  }

  private get kept(): Line[] {
    this.trim();
    return this.lines;
  }

  private trim(): void {
    const over = this.lines.length - this.most;
    if (over <= 0) return;
    this.lines.splice(0, over);
    this.dropped += over;
  }
}

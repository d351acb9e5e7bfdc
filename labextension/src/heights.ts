/**
 * Where the lines of a long list stand, most of them of one height.
 */
export class Heights {
  /**
   * @param count - How many lines there are.
   * @param usual - The height of a line, in pixels.
   * @param others - The heights of the lines that have another one.
   */
  constructor(
    readonly count: number,
    readonly usual: number,
    others: ReadonlyMap<number, number> = new Map()
  ) {
    let extra = 0;
    for (const [index, height] of [...others].sort(([a], [b]) => a - b)) {
      if (index < count && height !== usual) {
        this._others.push({ index, height, extra });
        extra += height - usual;
      }
    }
    this.total = count * usual + extra;
  }

  readonly total: number;

  /** The upper edge of a line; of the line behind the last one, the end. */
  top(index: number): number {
    const before = this._before(other => other.index < index);
    const extra =
      before === undefined ? 0 : before.extra + before.height - this.usual;
    return index * this.usual + extra;
  }

  height(index: number): number {
    return this.top(index + 1) - this.top(index);
  }

  /** The line at a distance from the top; the first or last one beyond the ends. */
  at(y: number): number {
    if (this.count === 0) {
      return 0;
    }
    const before = this._before(
      other => other.index * this.usual + other.extra <= y
    );
    let index = Math.floor(y / this.usual);
    if (before !== undefined) {
      const top = before.index * this.usual + before.extra;
      index =
        y < top + before.height
          ? before.index
          : before.index +
            1 +
            Math.floor((y - top - before.height) / this.usual);
    }
    return Math.min(Math.max(index, 0), this.count - 1);
  }

  private _before(
    holds: (other: { index: number; height: number; extra: number }) => boolean
  ): { index: number; height: number; extra: number } | undefined {
    let low = -1;
    let high = this._others.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (holds(this._others[middle])) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return this._others[low];
  }

  private _others: { index: number; height: number; extra: number }[] = [];
}

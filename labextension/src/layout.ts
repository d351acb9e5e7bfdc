import { RunGroup, RunSummary } from './contract';
import { Pages } from './pages';

/**
 * One line of the list: the head of a group, a run, or the child of a run.
 * A `run` is undefined until its page is here.
 */
export type IItem =
  | { kind: 'group'; key: string; group: RunGroup; folded: boolean }
  | { kind: 'run'; place: number; run: RunSummary | undefined }
  | { kind: 'child'; run: RunSummary; parent: RunSummary };

interface ISegment {
  start: number;
  length: number;
  at: (index: number) => IItem;
}

/**
 * A group's value as a key that tells `null` from the text "null".
 */
export function groupKey(group: RunGroup): string {
  return JSON.stringify(group.value);
}

/**
 * The lines of a list: groups, the runs of those that are not folded, and
 * below a run that is unfolded its children.
 *
 * #### Notes
 * It is made of a few segments however many runs there are, so it costs nothing
 * to make it anew with every change.
 */
export class Layout {
  constructor(
    private readonly _pages: Pages,
    groups: readonly RunGroup[] | null,
    folded: ReadonlySet<string>,
    children: ReadonlyMap<string, readonly RunSummary[]>
  ) {
    const unfolded = [...children]
      .map(([runId, runs]) => ({ place: _pages.placeOf(runId), runs }))
      .filter(({ place, runs }) => place >= 0 && runs.length > 0)
      .sort((one, other) => one.place - other.place);
    if (groups === null) {
      this._addRuns(0, _pages.count, unfolded);
      return;
    }
    let place = 0;
    for (const group of groups) {
      const key = groupKey(group);
      const item: IItem = {
        kind: 'group',
        key,
        group,
        folded: folded.has(key)
      };
      this._add(1, () => item);
      if (!item.folded) {
        this._addRuns(place, group.count, unfolded);
      }
      place += group.count;
    }
  }

  get length(): number {
    return this._length;
  }

  at(index: number): IItem {
    let low = 0;
    let high = this._segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this._segments[middle].start <= index) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    const segment = this._segments[low];
    return segment.at(index - segment.start);
  }

  /** The line of a run or of a group's key, -1 when it is folded away or not here. */
  indexOf(id: string): number {
    const place = this._pages.placeOf(id);
    for (const { start, length, at } of this._segments) {
      const first = at(0);
      if (first.kind === 'run') {
        if (place >= first.place && place < first.place + length) {
          return start + place - first.place;
        }
        continue;
      }
      for (let index = 0; index < length; index++) {
        if (itemId(at(index)) === id) {
          return start + index;
        }
      }
    }
    return -1;
  }

  /** The lines that are heads of groups. */
  get heads(): number[] {
    return this._segments
      .filter(segment => segment.at(0).kind === 'group')
      .map(segment => segment.start);
  }

  private _addRuns(
    first: number,
    count: number,
    unfolded: { place: number; runs: readonly RunSummary[] }[]
  ): void {
    let place = first;
    const end = first + count;
    for (const { place: parent, runs } of unfolded) {
      if (parent < place || parent >= end) {
        continue;
      }
      this._addPlain(place, parent + 1 - place);
      const run = this._pages.at(parent) as RunSummary;
      this._add(runs.length, index => ({
        kind: 'child',
        run: runs[index],
        parent: run
      }));
      place = parent + 1;
    }
    this._addPlain(place, end - place);
  }

  private _addPlain(first: number, count: number): void {
    this._add(count, index => ({
      kind: 'run',
      place: first + index,
      run: this._pages.at(first + index)
    }));
  }

  private _add(length: number, at: (index: number) => IItem): void {
    if (length > 0) {
      this._segments.push({ start: this._length, length, at });
      this._length += length;
    }
  }

  private _segments: ISegment[] = [];
  private _length = 0;
}

/**
 * What tells a line from the others: a run's id or a group's key.
 */
export function itemId(item: IItem): string | undefined {
  return item.kind === 'group' ? item.key : item.run?.run_id;
}

/**
 * The first of many things, for a place where the rest is shown on demand; all
 * of them where the rest would be hardly shorter than the words that offer it.
 */
export function firstOf<T>(items: readonly T[], most: number): readonly T[] {
  return items.length <= most + 2 ? items : items.slice(0, most);
}

/**
 * The versions of a pipeline that people come for, newest first as they are
 * given: the newest few, and wherever an alias stands or may go back to.
 */
export function leadingVersions<T extends { readonly version: number }>(
  versions: readonly T[],
  named: readonly number[],
  most: number
): readonly T[] {
  const newest = firstOf(versions, most);
  return newest === versions
    ? versions
    : versions.filter(
        (item, place) => place < most || named.includes(item.version)
      );
}

/**
 * Whether a text would push what follows it out of sight.
 */
export function isLong(text: string): boolean {
  return text.length > 240 || text.split('\n').length > 6;
}

/**
 * Runs with what is said of each, those of which the very same is said
 * together; runs of which nothing is said are left out.
 */
export function alike<
  R extends { readonly run_id: string },
  T extends { readonly run_id: string }
>(
  runs: readonly R[],
  items: readonly T[]
): { readonly runs: readonly R[]; readonly items: readonly T[] }[] {
  const groups = new Map<string, { runs: R[]; items: readonly T[] }>();
  for (const run of runs) {
    const own = items.filter(item => item.run_id === run.run_id);
    if (own.length > 0) {
      const said = JSON.stringify(own.map(item => ({ ...item, run_id: '' })));
      const group = groups.get(said) ?? { runs: [], items: own };
      group.runs.push(run);
      groups.set(said, group);
    }
  }
  return [...groups.values()];
}

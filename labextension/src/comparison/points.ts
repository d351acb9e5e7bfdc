/**
 * Exponentially smooth a curve, as `compare/statistics.py` does: `weight` 0
 * leaves it, towards 1 it flattens. What is not finite stays.
 */
export function smooth(values: readonly number[], weight: number): number[] {
  if (weight <= 0 || weight >= 1) {
    return [...values];
  }
  let average = 0;
  let norm = 0;
  return values.map(value => {
    if (!Number.isFinite(value)) {
      return value;
    }
    average = average * weight + value * (1 - weight);
    norm = norm * weight + (1 - weight);
    return average / norm;
  });
}

/**
 * Which values to keep so that about `points` show the shape of all: each
 * stretch keeps its lowest and its highest, so a spike survives.
 */
export function thin(values: readonly number[], points: number): number[] {
  const total = values.length;
  if (total <= points) {
    return values.map((_, place) => place);
  }
  const stretches = Math.floor((points - 2) / 2);
  const kept = new Set([0, total - 1]);
  for (let stretch = 0; stretch < stretches; stretch++) {
    const begin = 1 + Math.floor((stretch * (total - 2)) / stretches);
    const end = 1 + Math.floor(((stretch + 1) * (total - 2)) / stretches);
    let [lowest, highest] = [begin, begin];
    for (let place = begin; place < end; place++) {
      if (Number.isFinite(values[place])) {
        lowest = values[place] < values[lowest] ? place : lowest;
        highest = values[place] > values[highest] ? place : highest;
      }
    }
    kept.add(lowest).add(highest);
  }
  return [...kept].sort((one, two) => one - two);
}

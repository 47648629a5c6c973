/** A share with its 95 % interval (Wilson, 1927), which stays true for shares near 0 and 1 and for few cases. */
export type Share = { of: number; among: number; share: number; interval: [low: number, high: number] };

const Z = 1.959964;

export function shareOf(of: number, among: number): Share {
  if (among === 0) return { of, among, share: 0, interval: [0, 1] };
  const share = of / among;
  const spread = Z ** 2 / among;
  const centre = (share + spread / 2) / (1 + spread);
  const half = (Z * Math.sqrt((share * (1 - share)) / among + spread / (4 * among))) / (1 + spread);
  return { of, among, share, interval: [Math.max(0, centre - half), Math.min(1, centre + half)] };
}

/** A mean with its 95 % interval by the normal approximation. */
export function meanOf(values: readonly number[]): { mean: number; interval: [low: number, high: number] } {
  const count = Math.max(1, values.length);
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, count - 1);
  const half = Z * Math.sqrt(variance / count);
  return { mean, interval: [Math.max(0, mean - half), mean + half] };
}

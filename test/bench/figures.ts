/** One measured figure, as `--json` prints it. */
export type Figure = { name: string; value: number; unit: string; note?: string };

export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

/** Mebibytes in use after a collection. Needs `--expose-gc`. */
export function heapMiB(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}

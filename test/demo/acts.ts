/** One act of the story: what is expected, in a few words, and how to find out what happens. */
export type Act = { name: string; expected: string; run: () => Promise<string> };

export type ActResult = { name: string; expected: string; happened: string; held: boolean; ms: number };

/** Plays the acts in order. An act that throws has not held; the rest is still played, as far as it goes. */
export async function play(acts: readonly Act[], report: (result: ActResult) => void): Promise<boolean> {
  let all = true;
  for (const { name, expected, run } of acts) {
    const started = performance.now();
    const happened = await run().catch(
      (error: unknown) => `failed: ${error instanceof Error ? error.message : String(error)}`,
    );
    const held = happened === expected;
    all &&= held;
    report({ name, expected, happened, held, ms: Math.round(performance.now() - started) });
  }
  return all;
}

/** Callers that keep an endpoint busy, for benchmarks over HTTP. */
import type { AgentSession } from '../../src/cli/agent-session.ts';

export type Headers = Record<string, string>;
/** One call with these headers; it rejects, and so ends the benchmark, where it does not succeed. */
export type Call = (headers: Headers) => Promise<void>;

/** Proofs made ahead, one for each call; `undefined` when they are used up. */
export async function proofs(
  session: AgentSession,
  { method, url }: { method: string; url: string },
  count: number,
): Promise<() => Headers | undefined> {
  const made: Headers[] = [];
  for (let i = 0; i < count; i += 100) {
    made.push(...(await Promise.all(Array.from({ length: 100 }, () => session.prove(method, url)))));
  }
  return () => made.pop();
}

/** What the call takes, in milliseconds. */
export async function timed(call: Call, headers: Headers): Promise<number> {
  const started = performance.now();
  await call(headers);
  return performance.now() - started;
}

/** `clients` callers, each with one call in flight, for some seconds, or until no headers are left. */
export async function load(
  { clients, seconds }: { clients: number; seconds: number },
  call: Call,
  next: () => Headers | undefined,
): Promise<{ perSecond: number; times: number[] }> {
  const times: number[] = [];
  const started = performance.now();
  const end = started + seconds * 1000;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      for (let headers = next(); headers !== undefined && performance.now() < end; headers = next()) {
        times.push(await timed(call, headers));
      }
    }),
  );
  return { perSecond: (times.length * 1000) / (performance.now() - started), times };
}

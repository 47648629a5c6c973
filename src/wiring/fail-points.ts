import { FAIL_POINTS, type FailPoint } from '../ending/fail-point.ts';
import { LEASE_POINTS, type LeasePoint } from '../lease/fail-point.ts';

/**
 * Lets a test have the process die between two steps. There is nothing to configure: it takes `--dev`, and a parent that
 * has started the process with a channel of its own (`stdio: 'ipc'`) and names a point over it, `{"dieAt": "end.committed"}`.
 * Everywhere else a fail point does nothing.
 */
export function openFailPoints(dev: boolean): FailPoint & LeasePoint {
  if (!dev || process.channel === undefined || process.channel === null) return () => {};
  let armed: string | null = null;
  process.on('message', (message: unknown) => {
    const name = typeof message === 'object' && message !== null && 'dieAt' in message ? message.dieAt : undefined;
    armed = [...FAIL_POINTS, ...LEASE_POINTS].find((known) => known === name) ?? null;
    process.send?.({ armed });
  });
  // The channel is no reason to stay.
  process.channel.unref();
  return (name) => {
    // SIGKILL: nothing of this process runs any more, no handler, no flush.
    if (name === armed) process.kill(process.pid, 'SIGKILL');
  };
}

import type { ProcessStore, StartedProcess } from '../../../store/ports.ts';
import { birthOf } from './process-birth.ts';

const LOOK_EVERY_MS = 10;
const PATIENCE_MS = 3_000;

/**
 * Ends processes of targets that a process of Remit has left behind when it was killed. One with the same pid that was
 * started at another time is somebody else's, and is let be. What could not be ended stays in the store.
 */
export async function endLeftovers(
  left: readonly StartedProcess[],
  store: Pick<ProcessStore, 'processGone'>,
): Promise<void> {
  await Promise.all(
    left.map(async ({ id, pid, birth }) => {
      if (birthOf(pid) === birth) killGroup(pid);
      const deadline = Date.now() + PATIENCE_MS;
      while (birthOf(pid) === birth) {
        if (Date.now() > deadline) return;
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      }
      await store.processGone(id);
    }),
  );
}

/** Each was started as the leader of a process group of its own. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ESRCH: it has gone meanwhile. EPERM: it is not ours to end, and stays outstanding.
  }
}

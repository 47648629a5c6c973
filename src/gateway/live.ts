/**
 * What is under way for each task: in-flight calls, open streams, sessions and processes. When a task ends, all of it
 * is cut at once (invariant 6).
 */
export type LiveWork = {
  /**
   * Registers something to cut. A task that is not live (any more) is cut here and now, synchronously, so that an end
   * which races the registration is never lost. Returns what to call when the work is over by itself.
   */
  attach(taskId: string, cut: (reason: string) => void, kind?: WorkKind): () => void;
  /** Cuts everything of the task. Returns how many things were cut. */
  endTask(taskId: string, reason: string): number;
  /** Cuts everything of every task: the last act of a shutdown. Returns how many things were cut. */
  cutAll(reason: string): number;
  /** Resolves when no call is in flight. Streams, sessions and processes do not keep a shutdown waiting. */
  draining(): Promise<void>;
  /** Whether something may be begun under the task now. */
  isLive(taskId: string): boolean;
};

/** A `call` ends by itself; a `holding` (stream, session, process) stays until it is cut. */
export type WorkKind = 'call' | 'holding';

type Work = { cut: (reason: string) => void; kind: WorkKind };

/** @param isLive whether the task and all above it are active now, from memory. */
export function createLiveWork(isLive: (taskId: string) => boolean): LiveWork {
  const byTask = new Map<string, Set<Work>>();
  const waiting: (() => void)[] = [];
  let calls = 0;

  function remove(taskId: string, work: Work): boolean {
    const set = byTask.get(taskId);
    if (set === undefined || !set.delete(work)) return false;
    if (set.size === 0) byTask.delete(taskId);
    if (work.kind === 'call') calls -= 1;
    if (calls === 0) for (const resolve of waiting.splice(0)) resolve();
    return true;
  }

  function endTask(taskId: string, reason: string): number {
    // A copy: cutting one thing may end, or even begin, another of the same task.
    const cut = [...(byTask.get(taskId) ?? [])];
    for (const work of cut) {
      if (!remove(taskId, work)) continue;
      work.cut(reason);
    }
    return cut.length;
  }

  return {
    attach: (taskId, cut, kind = 'holding') => {
      const work: Work = { cut, kind };
      const set = byTask.get(taskId) ?? new Set();
      byTask.set(taskId, set);
      set.add(work);
      if (kind === 'call') calls += 1;
      // INVARIANT 6: looked up after the registration. An end before this line is seen here; one after it finds `work`.
      if (!isLive(taskId) && remove(taskId, work)) cut('the task has ended');
      return () => void remove(taskId, work);
    },
    endTask,
    cutAll: (reason) => {
      let cut = 0;
      for (const taskId of byTask.keys()) cut += endTask(taskId, reason);
      return cut;
    },
    draining: () => (calls === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    isLive,
  };
}

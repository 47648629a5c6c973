/**
 * What is under way for each task: in-flight calls, open streams, sessions and processes. When a task ends, all of it
 * is cut at once (invariant 6); when a token is revoked, what was begun with it.
 */
export type LiveWork = {
  /**
   * Registers something to cut. A task that is not live (any more) is cut here and now, synchronously, so that an end
   * which races the registration is never lost. The same holds for `tokenId`, of the token that the work was begun with;
   * without one the work is the task's, whichever of its tokens comes to it. Returns what to call when the work is over
   * by itself.
   */
  attach(taskId: string, cut: (reason: string) => void, kind?: WorkKind, tokenId?: string): () => void;
  /** Cuts everything of the task. Returns how many things were cut. */
  endTask(taskId: string, reason: string): number;
  /** Cuts everything that was begun with the token. Returns how many things were cut. */
  endToken(tokenId: string, reason: string): number;
  /** Cuts everything of every task: the last act of a shutdown. Returns how many things were cut. */
  cutAll(reason: string): number;
  /** Resolves when no call is in flight. Streams, sessions and processes do not keep a shutdown waiting. */
  draining(): Promise<void>;
  /** Whether something may be begun under the task now. */
  isLive(taskId: string): boolean;
};

/** A `call` ends by itself; a `holding` (stream, session, process) stays until it is cut. */
export type WorkKind = 'call' | 'holding';

type Work = { cut: (reason: string) => void; kind: WorkKind; taskId: string; tokenId: string | undefined };

/**
 * @param isLive whether the task and all above it are active now, from memory.
 * @param isRevoked whether the token was revoked.
 */
export function createLiveWork(
  isLive: (taskId: string) => boolean,
  isRevoked: (tokenId: string) => boolean = () => false,
): LiveWork {
  const byTask = new Index();
  const byToken = new Index();
  const waiting: (() => void)[] = [];
  let calls = 0;

  function remove(work: Work): boolean {
    if (!byTask.delete(work.taskId, work)) return false;
    if (work.tokenId !== undefined) byToken.delete(work.tokenId, work);
    if (work.kind === 'call') calls -= 1;
    if (calls === 0) for (const resolve of waiting.splice(0)) resolve();
    return true;
  }

  function cutAllOf(works: readonly Work[], reason: string): number {
    for (const work of works) if (remove(work)) work.cut(reason);
    return works.length;
  }

  const endTask = (taskId: string, reason: string): number => cutAllOf(byTask.of(taskId), reason);

  return {
    attach: (taskId, cut, kind = 'holding', tokenId) => {
      const work: Work = { cut, kind, taskId, tokenId };
      byTask.add(taskId, work);
      if (tokenId !== undefined) byToken.add(tokenId, work);
      if (kind === 'call') calls += 1;
      // INVARIANT 6: looked up after the registration. An end before these lines is seen here; one after finds `work`.
      if (!isLive(taskId) && remove(work)) cut('the task has ended');
      else if (tokenId !== undefined && isRevoked(tokenId) && remove(work)) cut('the access token was revoked');
      return () => void remove(work);
    },
    endTask,
    endToken: (tokenId, reason) => cutAllOf(byToken.of(tokenId), reason),
    cutAll: (reason) => {
      let cut = 0;
      for (const taskId of byTask.keys()) cut += endTask(taskId, reason);
      return cut;
    },
    draining: () => (calls === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    isLive,
  };
}

class Index {
  readonly #works = new Map<string, Set<Work>>();

  add(key: string, work: Work): void {
    const set = this.#works.get(key);
    if (set === undefined) this.#works.set(key, new Set([work]));
    else set.add(work);
  }

  delete(key: string, work: Work): boolean {
    const set = this.#works.get(key);
    if (set === undefined || !set.delete(work)) return false;
    if (set.size === 0) this.#works.delete(key);
    return true;
  }

  /** A copy: cutting one thing may end, or even begin, another. */
  of(key: string): Work[] {
    return [...(this.#works.get(key) ?? [])];
  }

  keys(): string[] {
    return [...this.#works.keys()];
  }
}

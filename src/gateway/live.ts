/**
 * What is under way for each task: in-flight calls, open streams, sessions and what they run on. When a task ends, all of
 * it is cut at once (invariant 6); when a token is revoked, what was begun with it; when a target is cut off, what runs at
 * it.
 */
export type LiveWork = {
  /**
   * Registers something to cut. A task that is not live (any more) is cut here and now, synchronously, so that an end
   * which races the registration is never lost. The same holds for a token that is revoked and a target that is suspended.
   * Returns what to call when the work is over by itself.
   */
  attach(work: Work, cut: (reason: string) => void): () => void;
  /** Cuts everything of the task, or what is of one kind. Returns the ids of what was cut. */
  endTask(taskId: string, reason: string, kind?: WorkKind): string[];
  /** Cuts everything that was begun with the token. Returns how many things were cut. */
  endToken(tokenId: string, reason: string): number;
  /** Cuts everything that runs at the target. Returns how many things were cut. */
  endTarget(target: string, reason: string): number;
  /** Cuts everything of every task: the last act of a shutdown. Returns how many things were cut. */
  cutAll(reason: string): number;
  /** Resolves when no call is in flight. Streams, sessions and processes do not keep a shutdown waiting. */
  draining(): Promise<void>;
  /** Whether something may be begun under the task now. */
  isLive(taskId: string): boolean;
  /** Ids of what the task has of the kind. */
  of(taskId: string, kind: WorkKind): string[];
  /** Tasks that have a call in flight. */
  calling(): string[];
};

/** A `call` ends by itself; the others stay until they are cut. An `upstream` is what a task has at a target. */
export const WORK_KINDS = ['call', 'stream', 'session', 'upstream'] as const;
export type WorkKind = (typeof WORK_KINDS)[number];

export type Work = {
  taskId: string;
  kind: WorkKind;
  /** What a record may name it by: of the request, of the session, or the target. */
  id: string;
  target: string;
  /** The token that it was begun with; without one the work is the task's, whichever of its tokens comes to it. */
  tokenId?: string;
};

type Held = Work & { cut: (reason: string) => void };

export type LiveChecks = {
  /** Whether the task and all above it are active now, from memory. */
  isLive: (taskId: string) => boolean;
  isRevoked?: (tokenId: string) => boolean;
  isSuspended?: (target: string) => boolean;
};

export function createLiveWork({ isLive, isRevoked = () => false, isSuspended = () => false }: LiveChecks): LiveWork {
  const byTask = new Index();
  const byToken = new Index();
  const byTarget = new Index();
  const waiting: (() => void)[] = [];
  let calls = 0;

  function remove(work: Held): boolean {
    if (!byTask.delete(work.taskId, work)) return false;
    byTarget.delete(work.target, work);
    if (work.tokenId !== undefined) byToken.delete(work.tokenId, work);
    if (work.kind === 'call') calls -= 1;
    if (calls === 0) for (const resolve of waiting.splice(0)) resolve();
    return true;
  }

  function cutAllOf(works: readonly Held[], reason: string): string[] {
    const cut: string[] = [];
    for (const work of works) {
      if (!remove(work)) continue;
      work.cut(reason);
      cut.push(work.id);
    }
    return cut;
  }

  const ofKind = (taskId: string, kind?: WorkKind) =>
    byTask.of(taskId).filter((work) => kind === undefined || work.kind === kind);

  return {
    attach: (described, cut) => {
      const work: Held = { ...described, cut };
      const { taskId, tokenId, target } = work;
      byTask.add(taskId, work);
      byTarget.add(target, work);
      if (tokenId !== undefined) byToken.add(tokenId, work);
      if (work.kind === 'call') calls += 1;
      // INVARIANT 6: looked up after the registration. An end before these lines is seen here; one after finds `work`.
      if (!isLive(taskId) && remove(work)) cut('the task has ended');
      else if (tokenId !== undefined && isRevoked(tokenId) && remove(work)) cut('the access token was revoked');
      else if (isSuspended(target) && remove(work)) cut('the target is suspended');
      return () => void remove(work);
    },
    endTask: (taskId, reason, kind) => cutAllOf(ofKind(taskId, kind), reason),
    endToken: (tokenId, reason) => cutAllOf(byToken.of(tokenId), reason).length,
    endTarget: (target, reason) => cutAllOf(byTarget.of(target), reason).length,
    cutAll: (reason) => byTask.keys().reduce((cut, taskId) => cut + cutAllOf(byTask.of(taskId), reason).length, 0),
    draining: () => (calls === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    isLive,
    of: (taskId, kind) => ofKind(taskId, kind).map(({ id }) => id),
    calling: () => byTask.keys().filter((taskId) => ofKind(taskId, 'call').length > 0),
  };
}

class Index {
  readonly #works = new Map<string, Set<Held>>();

  add(key: string, work: Held): void {
    const set = this.#works.get(key);
    if (set === undefined) this.#works.set(key, new Set([work]));
    else set.add(work);
  }

  delete(key: string, work: Held): boolean {
    const set = this.#works.get(key);
    if (set === undefined || !set.delete(work)) return false;
    if (set.size === 0) this.#works.delete(key);
    return true;
  }

  /** A copy: cutting one thing may end, or even begin, another. */
  of(key: string): Held[] {
    return [...(this.#works.get(key) ?? [])];
  }

  keys(): string[] {
    return [...this.#works.keys()];
  }
}

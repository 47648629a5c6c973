import type { EndingKind } from './fail-point.ts';

/**
 * One way of ending: what a task may have of one kind of thing, and how that ends. `main.ts` puts them into one table, and
 * another kind of thing is another line of it.
 */
export type Ending = {
  kind: EndingKind;
  /** Whether all of it is in this process, and `end` needs nobody but it. */
  immediate?: true;
  /**
   * Ends what the task has, and gives the ids of what it ended. What is only in this process is ended before it returns.
   * Called again while something is outstanding, also after a restart; may fail, and leave something outstanding.
   */
  end(task: string, reason: string): readonly string[] | Promise<readonly string[]>;
  /** Ids of what the task still has. */
  outstanding(task: string): readonly string[];
};

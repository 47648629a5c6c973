import { handleOf, type Lease } from '../core/lease.ts';
import { mask, masked, MIN_LOOKED_FOR, type Masked } from './mask.ts';

type Known = Pick<Lease, 'id' | 'task' | 'kind' | 'usableAt'>;
type Held = Known & { value: string; masked: Masked };

/**
 * The values of leases that can be used or may come to be, in memory while that is so: what goes out in place of handles,
 * and what must not come back. Whatever is here is durable.
 */
export interface HeldValues {
  add(lease: Known, value: string): void;
  forget(id: string): void;
  valueOf(id: string): string | undefined;
  /**
   * INVARIANT 7: the text of an answer with each value that may be sent to the target replaced by its handle: that of the
   * task's own lease before that of another's. What another task has only found is not told by a handle of that one.
   */
  hide(from: { target: string; task: string }, text: string): string;
  /** The values that may be sent to the target and were declared. */
  at(target: string): string[];
  /** The lease that this task has for the value. */
  find(task: string, value: string): string | undefined;
}

export function createHeldValues(): HeldValues {
  const byId = new Map<string, Held>();
  const byTarget = new Map<string, Set<Held>>();
  return {
    add: (lease, value) => {
      const { id, task, kind, usableAt } = lease;
      const held = { id, task, kind, usableAt, value, masked: masked(value, handleOf(id)) };
      byId.set(id, held);
      if (value.length < MIN_LOOKED_FOR) return;
      for (const target of usableAt) {
        const there = byTarget.get(target);
        if (there === undefined) byTarget.set(target, new Set([held]));
        else there.add(held);
      }
    },
    forget: (id) => {
      const held = byId.get(id);
      if (held === undefined) return;
      byId.delete(id);
      for (const target of held.usableAt) {
        const there = byTarget.get(target);
        there?.delete(held);
        if (there?.size === 0) byTarget.delete(target);
      }
    },
    valueOf: (id) => byId.get(id)?.value,
    hide: ({ target, task }, text) => {
      const there = byTarget.get(target);
      if (there === undefined) return text;
      const own = there.values().filter((held) => held.task === task);
      const others = there.values().filter((held) => held.task !== task && held.kind !== 'found');
      const sought = ({ masked: each }: Held) => each;
      return mask(mask(text, own.map(sought)), others.map(sought));
    },
    at: (target) => [...(byTarget.get(target) ?? [])].filter(({ kind }) => kind !== 'found').map(({ value }) => value),
    find: (task, value) => byId.values().find((held) => held.task === task && held.value === value)?.id,
  };
}

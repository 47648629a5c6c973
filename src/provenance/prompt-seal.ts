import { sealedName } from '../keys/sealed-name.ts';
import type { SealingKeys } from '../keys/sealing-keys.ts';

/** Encrypts the texts of prompts, each for its task: one that was moved to another task does not open. */
export type PromptSeal = {
  /** To be given to the store in the same turn. */
  seal(task: string, text: string): string;
  /** `null` when it was changed, moved, or sealed with a key that is not here. */
  open(task: string, sealed: string): string | null;
};

/** @param onProblem must not throw. */
export function createPromptSeal(
  keys: Pick<SealingKeys, 'seal' | 'open'>,
  onProblem: (error: unknown, about: string) => void,
): PromptSeal {
  const nameOf = (task: string) => sealedName({ kind: 'prompt', name: task, version: 1 });
  return {
    seal: (task, text) => keys.seal(nameOf(task), text),
    open: (task, sealed) => {
      try {
        return keys.open(nameOf(task), sealed);
      } catch (error) {
        onProblem(error, `what the prompt of \`${task}\` says vouches for nothing`);
        return null;
      }
    },
  };
}

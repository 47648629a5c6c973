import type { TokenRequest } from '../../config/credential.ts';
import type { SealedValue } from '../../store/ports.ts';
import type { SealedParts } from '../sealed-value.ts';
import { openKeptToken } from './task-tokens.ts';
import { revokeToken, type TokenEndpointParts } from './token-endpoint.ts';

const KIND = 'task_token';

export type TargetTokenParts = SealedParts &
  TokenEndpointParts & {
    /** How tokens of a target are got and revoked; `undefined` when they are not, or not any more. */
    requestOf: (target: string) => TokenRequest | undefined;
    /** Forgets what is in memory of a task. */
    drop: (task: string) => void;
    onProblem: (error: unknown, about: string) => void;
  };

/** Tokens that a task has at targets' own authorisation servers: dropped at its end, and revoked there (RFC 7009). */
export type TargetTokens = {
  end(task: string): Promise<readonly string[]>;
  outstanding(task: string): readonly string[];
};

export function createTargetTokens(parts: TargetTokenParts): TargetTokens {
  const { store, keys, clock } = parts;

  async function endOne(kept: SealedValue): Promise<boolean> {
    if (kept.expiresAt === null || kept.expiresAt > clock()) {
      const { target, accessToken, refreshToken } = await openKeptToken(kept, keys);
      const request = parts.requestOf(target);
      if (request === undefined || request.revocationUrl === null) {
        throw new Error(`the tokens of \`${target}\` can no longer be revoked; they end by themselves`);
      }
      const there = { ...request, revocationUrl: request.revocationUrl };
      // The longer one first: with it servers end the access tokens too (RFC 7009, section 2.1).
      if (refreshToken !== null) await revokeToken(there, refreshToken, parts);
      await revokeToken(there, accessToken, parts);
    }
    return (await store.removeSealed(kept, [])) === 'removed';
  }

  return {
    end: async (task) => {
      parts.drop(task);
      const ended: string[] = [];
      for (const kept of store.sealedValues(KIND, task)) {
        try {
          if (await endOne(kept)) ended.push(kept.name);
        } catch (error) {
          parts.onProblem(error, `a token of \`${task}\` at a target is not revoked`);
        }
      }
      return ended;
    },
    outstanding: (task) => store.sealedValues(KIND, task).map(({ name }) => name),
  };
}

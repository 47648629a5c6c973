import type { Store } from '../ports.ts';
import type { CommitQueue } from './commit-queue.ts';
import { checkIdentifiers } from './identifier.ts';
import type { IssuedTokenTable } from './issued-token-table.ts';
import type { RecordLog } from './record-log.ts';
import type { RevokedTokenTable } from './revoked-token-table.ts';

export function revokedTokenVerbs(
  queue: CommitQueue,
  log: RecordLog,
  { revoked, tokens }: { revoked: RevokedTokenTable; tokens: IssuedTokenTable },
): Pick<Store, 'revokeToken' | 'isTokenRevoked' | 'tokensOf' | 'revokeTokensOf'> {
  return {
    revokeToken: ({ id, at, keepUntil }, records) =>
      queue.add(() => {
        checkIdentifiers(id);
        revoked.purge(at);
        if (!revoked.insert(id, keepUntil)) return 'already_revoked' as const;
        tokens.delete(id);
        log.append(records);
        return 'revoked' as const;
      }),
    isTokenRevoked: (id) => revoked.has(id),
    tokensOf: (task, now) => (task.isWellFormed() ? tokens.ofTask(task, now).map(({ id }) => id) : []),
    revokeTokensOf: (task, at, keepMs) =>
      queue.add(() => {
        checkIdentifiers(task);
        const issued = tokens.ofTask(task, at);
        for (const { id, expiresAt } of issued) {
          revoked.insert(id, expiresAt + keepMs);
          tokens.delete(id);
        }
        return issued.map(({ id }) => id);
      }),
  };
}

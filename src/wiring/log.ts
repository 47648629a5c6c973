/** The log as others can read and verify it: a tree of signed files beside the database. */
import { join } from 'node:path';
import type { Logger } from 'pino';
import { openTree, type Tree } from '../audit/tree.ts';
import type { Config } from '../config/config.ts';
import type { KeySeal } from '../keys/key-seal.ts';
import type { LogStore } from '../store/ports.ts';
import { openLogKey } from './keys.ts';
import { clock, event } from './process.ts';

const ORIGIN_PREFIX = 'remit/';

export async function openLog(
  config: Config,
  { store, seal, log }: { store: LogStore; seal: KeySeal; log: Logger },
): Promise<Tree> {
  const origin = `${ORIGIN_PREFIX}${new URL(config.server.publicUrl).hostname}`;
  return openTree({
    log: store,
    dir: join(config.dataDir, 'log'),
    origin,
    signer: await openLogKey(config, origin, { store, seal, event }),
    clock,
    onProblem: (problem) => log.error({ problem }, 'the log cannot be published'),
  });
}

/** The ledger of what tasks mint: opened with what the last process has left, and who takes it back. */
import type { Logger } from 'pino';
import type { TargetConfig } from '../config/config.ts';
import type { SealingKeys } from '../keys/sealing-keys.ts';
import { createCleanUp, type CleanUp } from '../lease/clean-up.ts';
import type { LeasePoint } from '../lease/fail-point.ts';
import type { HeldValues } from '../lease/held-values.ts';
import { createLedger, type Ledger } from '../lease/ledger.ts';
import { createOverstays, type Overstays } from '../lease/overstays.ts';
import { takeUp } from '../lease/take-up.ts';
import type { OpenCaller } from '../lease/target-call.ts';
import { createValueSeal } from '../lease/value-seal.ts';
import type { LeaseStore, LogStore, TaskStore } from '../store/ports.ts';
import { newId } from './process.ts';

export type LeaseWiring = {
  store: LeaseStore & LogStore & TaskStore;
  targets: ReadonlyMap<string, TargetConfig>;
  keys: SealingKeys;
  clock: () => number;
  newId: (prefix: string) => string;
  failPoint: LeasePoint;
  log: Pick<Logger, 'error' | 'warn'>;
  /** Asked when something is to be taken back, which is never before the gateways are open. */
  openCaller: OpenCaller;
};

export type OpenLeases = { ledger: Ledger; values: HeldValues; cleanUp: CleanUp; overstays: Overstays };

export async function openLeases(wiring: LeaseWiring): Promise<OpenLeases> {
  const seal = createValueSeal(wiring.keys);
  const onProblem = (error: unknown, about: string) => wiring.log.error({ err: error }, about);
  // Digits and lower-case letters: a handle is as good in a host name as in a header.
  const parts = { ...wiring, seal, newLeaseId: () => newId('lse'), onProblem };
  for (const target of wiring.targets.values()) warnOfUndeclared(target, wiring.log);
  const { ledger, values, landed } = createLedger(parts);
  await takeUp({ ...parts, values });
  const cleanUp = createCleanUp({ ...parts, values, landed });
  return { ledger, values, cleanUp, overstays: createOverstays({ ...parts, cleanUp }) };
}

function warnOfUndeclared({ name, operations }: TargetConfig, log: Pick<Logger, 'warn'>): void {
  for (const [operation, { effect, mints }] of Object.entries(operations)) {
    if (effect !== 'mint' || mints !== undefined) continue;
    log.warn(
      { target: name, operation },
      'it mints, and its target file does not say what: its answers are kept from agents; say it under `mints`',
    );
  }
}

const LOOK_EVERY_MS = 5_000;

export function watchOverstays(overstays: Overstays): NodeJS.Timeout {
  return setInterval(() => void overstays.sweep(), LOOK_EVERY_MS);
}

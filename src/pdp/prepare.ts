import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { InvalidConfig } from '../core/errors.ts';
import { createPdpInSteps, type Pdp, type PdpParts } from './pdp.ts';
import { assemblePolicySet, type Policy } from './policy-set.ts';
import type { Catalogue } from './schema/catalogue.ts';
import type { Finding } from './schema/validate.ts';

export type PrepareTask = { files: Readonly<Record<string, string>>; catalogue: Catalogue | null };

export type PrepareMessage =
  | { kind: 'findings'; findings: Finding[] }
  | { kind: 'policies'; policies: Policy[] }
  | { kind: 'done' }
  | { kind: 'invalid'; problem: string };

/** `pdp` is there whatever the findings say; the caller decides what they mean. */
export type Prepared = { pdp: Pdp; findings: Finding[] };

const GIVE_UP_AFTER_MS = 60_000;
const MAX_HEAP_MIB = 1024;

/**
 * Makes a policy set ready to decide while decisions go on: parsed and validated on another thread, compiled here a few
 * policies at a time. `catalogue` is `null` where names and types are not to be checked.
 *
 * @throws InvalidConfig for a set that cannot be used, that takes longer than a minute, or that crashes the parser.
 */
export async function preparePdp(
  task: PrepareTask & { hash: string },
  parts: PdpParts & { giveUpAfterMs?: number },
): Promise<Prepared> {
  const { policies, findings } = await parseElsewhere(task, parts.giveUpAfterMs ?? GIVE_UP_AFTER_MS);
  const set = assemblePolicySet(policies, task.files, task.hash);
  return { pdp: await createPdpInSteps(set, parts, nextTurn), findings };
}

export type Parsed = { policies: Policy[]; findings: Finding[] };

/**
 * The policies of the files, and what is wrong with their names and types, from another thread.
 *
 * @throws InvalidConfig as preparePdp.
 */
export function parseElsewhere(task: PrepareTask, giveUpAfterMs: number = GIVE_UP_AFTER_MS): Promise<Parsed> {
  const worker = new Worker(new URL('./prepare-worker.ts', import.meta.url), {
    workerData: { files: task.files, catalogue: task.catalogue } satisfies PrepareTask,
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MIB },
  });
  const policies: Policy[] = [];
  let findings: Finding[] = [];
  return new Promise<Parsed>((resolve, reject) => {
    const late = setTimeout(() => {
      reject(new InvalidConfig(`the policy set is not ready after ${giveUpAfterMs / 1000} s; make it smaller`));
    }, giveUpAfterMs);
    late.unref();
    worker.on('message', (message: PrepareMessage) => {
      switch (message.kind) {
        case 'findings':
          findings = message.findings;
          break;
        case 'policies':
          for (const policy of message.policies) policies.push(policy);
          setImmediate(() => worker.postMessage('next'));
          break;
        case 'done':
          clearTimeout(late);
          resolve({ policies, findings });
          break;
        case 'invalid':
          clearTimeout(late);
          reject(new InvalidConfig(message.problem));
          break;
      }
    });
    // Cedar's parser may die of a policy; it dies alone.
    worker.on('error', (cause) => {
      clearTimeout(late);
      reject(new InvalidConfig('the policy set cannot be parsed: it brings the parser down', { cause }));
    });
    worker.on('exit', () => {
      clearTimeout(late);
      reject(new InvalidConfig('the policy set cannot be parsed: the parser ended early'));
    });
  }).finally(() => void worker.terminate());
}

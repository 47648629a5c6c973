import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { InvalidConfig } from '../core/errors.ts';
import { EvaluatorBuilder } from './evaluate.ts';
import { pdpOf, type Pdp, type PdpParts } from './pdp.ts';
import { assemblePolicySet, type Policy } from './policy-set.ts';
import type { Catalogue } from './schema/catalogue.ts';
import type { Finding } from './schema/validate.ts';
import { finishInSteps } from './steps.ts';

export type PrepareTask = { files: Readonly<Record<string, string>>; catalogue: Catalogue | null };

export type PrepareMessage =
  | { kind: 'policies'; policies: Policy[] }
  | { kind: 'done'; findings: Finding[] }
  | { kind: 'invalid'; problem: string };

/** `pdp` is there whatever the findings say; the caller decides what they mean. */
export type Prepared = { pdp: Pdp; findings: Finding[] };

const GIVE_UP_AFTER_MS = 60_000;
const MAX_HEAP_MIB = 1024;

/**
 * Makes a policy set ready to decide while decisions go on: parsed and validated on another thread, and compiled here
 * meanwhile, a few policies at a time. `catalogue` is `null` where names and types are not to be checked.
 *
 * @throws InvalidConfig for a set that cannot be used, that takes longer than a minute, or that crashes the parser.
 */
export async function preparePdp(
  task: PrepareTask & { hash: string },
  parts: PdpParts & { giveUpAfterMs?: number },
): Promise<Prepared> {
  const compiled = new EvaluatorBuilder();
  const { policies, findings } = await parseElsewhere(task, {
    ...parts,
    take: (part) => finishInSteps(compiled.add(part), nextTurn),
  });
  const set = assemblePolicySet(policies, task.files, task.hash);
  return { pdp: pdpOf(set, await finishInSteps(compiled.build(set), nextTurn), parts), findings };
}

export type Parsed = { policies: Policy[]; findings: Finding[] };

type Parsing = {
  giveUpAfterMs?: number;
  /** Takes each part of the policies as it comes. The part after next is not parsed before it is done. */
  take?: (policies: readonly Policy[]) => Promise<void>;
};

/**
 * The policies of the files, and what is wrong with their names and types, from another thread.
 *
 * @throws InvalidConfig as preparePdp.
 */
export async function parseElsewhere(
  { files, catalogue }: PrepareTask,
  { giveUpAfterMs = GIVE_UP_AFTER_MS, take = async () => {} }: Parsing = {},
): Promise<Parsed> {
  const worker = new Worker(new URL('./prepare-worker.ts', import.meta.url), {
    workerData: { files, catalogue } satisfies PrepareTask,
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MIB },
  });
  const policies: Policy[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<Parsed>();
  const late = setTimeout(() => {
    reject(new InvalidConfig(`the policy set is not ready after ${giveUpAfterMs / 1000} s; make it smaller`));
  }, giveUpAfterMs);
  late.unref();
  const takePart = async (part: Policy[]) => {
    for (const policy of part) policies.push(policy);
    await take(part);
    worker.postMessage('next');
  };
  worker.on('message', (message: PrepareMessage) => {
    if (message.kind === 'policies') takePart(message.policies).catch(reject);
    else if (message.kind === 'done') resolve({ policies, findings: message.findings });
    else reject(new InvalidConfig(message.problem));
  });
  // Cedar's parser may die of a policy; it dies alone.
  worker.on('error', (cause) => {
    reject(new InvalidConfig('the policy set cannot be parsed: it brings the parser down', { cause }));
  });
  worker.on('exit', () => reject(new InvalidConfig('the policy set cannot be parsed: the parser ended early')));
  try {
    return await promise;
  } finally {
    clearTimeout(late);
    void worker.terminate();
  }
}

import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { InvalidConfig } from '../core/errors.ts';
import { assemblePolicySet, parsePolicies, type Policy } from './policy-set.ts';
import type { PrepareMessage, PrepareTask } from './prepare.ts';
import { validatePolicies } from './schema/validate.ts';

/**
 * Parses and validates a policy set on a thread of its own, so that neither the time nor a crash of `cedar-wasm` is the
 * decisions'. Policies are handed over part by part while the next are parsed, each part when the one before is dealt
 * with: to take a message apart is work for the other thread, and it takes all that are there in one go.
 */
const PART = 100;

const { files, catalogue } = workerData as PrepareTask;
const port = parentPort!;
const say = (message: PrepareMessage) => port.postMessage(message);

let dealtWith: Promise<unknown> = Promise.resolve();
async function handOver(part: Policy[]): Promise<void> {
  await dealtWith;
  say({ kind: 'policies', policies: part });
  dealtWith = once(port, 'message');
}

try {
  const policies: Policy[] = [];
  for (const policy of parsePolicies(files)) {
    policies.push(policy);
    if (policies.length % PART === 0) await handOver(policies.slice(-PART));
  }
  const rest = policies.length % PART;
  if (rest > 0) await handOver(policies.slice(-rest));
  assemblePolicySet(policies, files, '');
  const findings = catalogue === null ? [] : validatePolicies(policies, catalogue);
  await dealtWith;
  say({ kind: 'done', findings });
} catch (error) {
  if (!(error instanceof InvalidConfig)) throw error;
  say({ kind: 'invalid', problem: error.message });
}

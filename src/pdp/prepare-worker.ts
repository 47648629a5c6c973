import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { InvalidConfig } from '../core/errors.ts';
import { assemblePolicySet, parsePolicies, type Policy } from './policy-set.ts';
import type { PrepareMessage, PrepareTask } from './prepare.ts';
import { validatePolicies } from './schema/validate.ts';

/**
 * Parses and validates a policy set on a thread of its own, so that neither the time nor a crash of `cedar-wasm` is the
 * decisions'. Policies are handed over part by part, each when it is asked for: to take a message apart is work for the
 * other thread, and it takes all that are there in one go.
 */
const PART = 100;

const { files, catalogue } = workerData as PrepareTask;
const port = parentPort!;
const say = (message: PrepareMessage) => port.postMessage(message);

try {
  const policies = [...parsePolicies(files)];
  assemblePolicySet(policies, files, '');
  say({ kind: 'findings', findings: catalogue === null ? [] : validatePolicies(policies, catalogue) });
  for (let start = 0; start < policies.length; start += PART) {
    say({ kind: 'policies', policies: policies.slice(start, start + PART) satisfies Policy[] });
    await once(port, 'message');
  }
  say({ kind: 'done' });
} catch (error) {
  if (!(error instanceof InvalidConfig)) throw error;
  say({ kind: 'invalid', problem: error.message });
}

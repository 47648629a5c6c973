import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RemitProcess } from './remit-process.ts';

/** Adds a target to a copy of the quickstart, before Remit is started on it. */
export function addTarget(
  folder: string,
  target: { name: string; protocol?: 'http' | 'authzen'; upstream?: object; operations: object; credential?: object },
): void {
  const file = join(folder, 'targets', `${target.name}.yaml`);
  writeFileSync(file, JSON.stringify({ sensitivity: 'internal', ...target }));
  const config = join(folder, 'remit.yaml');
  writeFileSync(config, `${readFileSync(config, 'utf8').trimEnd()}\n  - targets/${target.name}.yaml\n`);
}

/** Takes the quickstart's own targets out, and the profile that is about them: nothing but what is added after it has to be started. */
export function dropTargets(folder: string): void {
  const config = join(folder, 'remit.yaml');
  writeFileSync(config, readFileSync(config, 'utf8').replace(/^targets:\n(?: {2}- .*\n)+/m, 'targets:\n'));
  rmSync(join(folder, 'profiles/summarise-note.yaml'));
}

/** For what needs no target at all: one that does not answer, instead of those of the quickstart, which are two processes. */
export function noServers(folder: string): void {
  dropTargets(folder);
  addTarget(folder, { name: 'nowhere', upstream: { http: { url: 'http://127.0.0.1:9/mcp' } }, operations: {} });
}

/** Alice hands a task to an agent, by the command line. `grant` is a file, or YAML. */
export async function requestTask(
  remit: RemitProcess,
  request: {
    agent: string;
    purpose: string;
    grant: string;
    sensitivity?: string;
    calls?: number;
    hops?: number;
    prompt?: string;
  },
): Promise<{ id: string; state: string }> {
  const { agent, purpose, grant, sensitivity, calls, hops } = request;
  const args = ['--as', 'alice', '--agent', agent, '--purpose', purpose, '--grant', grant, '--json'];
  if (sensitivity !== undefined) args.push('--sensitivity', sensitivity);
  if (calls !== undefined) args.push('--calls', String(calls));
  if (hops !== undefined) args.push('--hops', String(hops));
  if (request.prompt !== undefined) args.push('--prompt', request.prompt);
  const { stdout, stderr } = await remit.cli(['task', 'request', ...args]);
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as { id: string; state: string };
}

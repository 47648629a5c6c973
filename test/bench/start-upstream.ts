import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathWithBins, root } from '../harness/remit-process.ts';

/** The upstream of benchmarks (upstream.ts, api.ts), in a process of its own. */
export async function startUpstream(program = 'upstream.ts'): Promise<{ url: string; stop: () => void }> {
  const child = spawn(process.execPath, [join(root, 'test/bench', program)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, PATH: pathWithBins },
  });
  const [url] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  return { url: url.trim(), stop: () => child.stdin.end() };
}

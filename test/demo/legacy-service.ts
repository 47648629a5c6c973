import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathWithBins, root } from '../harness/remit-process.ts';

/** The service of `examples/legacy`, in a process of its own. */
export type LegacyService = {
  url: string;
  /** Asks it directly, around Remit. */
  ask(method: string, path: string, body?: object): Promise<{ status: number; body: unknown }>;
  stop(): Promise<void>;
};

export async function startLegacyService(settings: { adminToken: string; auditLog: string }): Promise<LegacyService> {
  const { adminToken, auditLog } = settings;
  const child = spawn(process.execPath, [join(root, 'examples/legacy/service.ts')], {
    env: { PATH: pathWithBins, PORT: '0', ADMIN_TOKEN: adminToken, AUDIT_LOG: auditLog },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const listening = /listening on (\S+)/.exec(text)?.[1];
      if (listening !== undefined) resolve(listening);
    });
    child.once('exit', (code) => reject(new Error(`the service ended with ${code}`)));
  });
  return {
    url,
    ask: async (method, path, body) => {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: { 'x-admin-token': adminToken },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? null : JSON.parse(text) };
    },
    stop: async () => {
      child.kill();
      await exited;
    },
  };
}

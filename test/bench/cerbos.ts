import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A hundred megabytes, so it is no dependency: `npm install --no-save @cerbos/cerbos-linux-x64@0.55.0` puts it there. */
const BINARY = 'node_modules/@cerbos/cerbos-linux-x64/cerbos-linux-x64';

const POLICY = `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  version: default
  resource: record
  rules:
    - { actions: [read], effect: EFFECT_ALLOW, roles: [user], condition: { match: { expr: 'R.attr.sensitivity == "internal"' } } }
`;

export type Cerbos = { url: string; stop: () => void };

/** Cerbos with one policy and its log of decisions in a file, as Remit has one; `null` where it is not installed. */
export async function startCerbos(binary = process.env['CERBOS'] ?? BINARY): Promise<Cerbos | null> {
  if (!existsSync(binary)) return null;
  const folder = mkdtempSync(join(tmpdir(), 'remit-cerbos-'));
  mkdirSync(join(folder, 'policies'));
  writeFileSync(join(folder, 'policies/record.yaml'), POLICY);
  const [http, grpc] = [await freePort(), await freePort()];
  const config = {
    server: { httpListenAddr: `127.0.0.1:${http}`, grpcListenAddr: `127.0.0.1:${grpc}` },
    storage: { driver: 'disk', disk: { directory: join(folder, 'policies') } },
    audit: { enabled: true, accessLogsEnabled: false, backend: 'file', file: { path: join(folder, 'audit.log') } },
    telemetry: { disabled: true },
  };
  writeFileSync(join(folder, 'cerbos.yaml'), JSON.stringify(config));
  const child = spawn(binary, ['server', '--config', join(folder, 'cerbos.yaml'), '--log-level', 'error'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const url = `http://127.0.0.1:${http}`;
  const stop = (): void => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  for (const deadline = Date.now() + 20_000; Date.now() < deadline;) {
    if (
      await fetch(`${url}/_cerbos/health`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return { url, stop };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  stop();
  throw new Error('Cerbos does not start');
}

/** The question of the benchmark, as Cerbos has it. */
export const CERBOS_CALL = {
  path: '/api/check/resources',
  body: JSON.stringify({
    requestId: 'bench',
    principal: { id: 'bench', roles: ['user'] },
    resources: [{ actions: ['read'], resource: { kind: 'record', id: '7', attr: { sensitivity: 'internal' } } }],
  }),
  permits: (text: string) => text.includes('EFFECT_ALLOW'),
};

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

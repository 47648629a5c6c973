import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTlsClient } from '../../test/fixtures/tls-request.ts';
import { createX509Authority, type Issued } from '../../test/fixtures/x509-authority.ts';
import { serveScriptedWorkloadApi, type ScriptedWorkloadApi } from '../../test/harness/workload-api.ts';
import { readConfig } from '../config/config-file.ts';
import { closeServer, createListener } from './listener.ts';

const quickstart = join(import.meta.dirname, '../../examples/quickstart/remit.yaml');
let folder: string;
let api: ScriptedWorkloadApi;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'remit-listen-'));
  api = await serveScriptedWorkloadApi(join(folder, 's'));
});
afterEach(() => {
  api.close();
  rmSync(folder, { recursive: true });
});

const message = ({ chain, key }: Issued) => ({
  svids: [
    {
      spiffe_id: 'spiffe://example.org/remit',
      x509_svid: Buffer.concat(chain),
      x509_svid_key: Buffer.from(key.replace(/-----.*-----|\s/g, ''), 'base64'),
      bundle: Buffer.alloc(0),
    },
  ],
});

test('with the Workload API, the SVID of the moment is presented, and open connections go on', async () => {
  const authority = await createX509Authority('spire', 'example.org');
  const [first, second] = [
    await authority.svid('spiffe://example.org/remit'),
    await authority.svid('spiffe://example.org/remit'),
  ];
  api.say('FetchX509SVID', message(first));
  const config = readConfig(quickstart, { dev: true });
  const server = await createListener(
    { ...config, server: { ...config.server, tls: { workloadApi: `unix:${join(folder, 's')}` } } },
    (_request, response) => response.end('here'),
    pino({ level: 'silent' }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const presented = () =>
    new Promise<Buffer | undefined>((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
        resolve(socket.getPeerX509Certificate()?.raw);
        socket.destroy();
      });
      socket.once('error', reject);
    });
  expect(await presented()).toEqual(first.chain[0]);
  const kept = openTlsClient(
    port,
    'remit.example.org',
    { ca: authority.pem },
    { checkServerIdentity: () => undefined },
  );
  expect((await kept.send('GET', '/')).body).toBe('here');
  api.say('FetchX509SVID', message(second));
  await expect.poll(presented, { timeout: 15_000 }).toEqual(second.chain[0]);
  expect((await kept.send('GET', '/')).body).toBe('here');
  // Without an agent it goes on with what it has.
  api.close();
  expect((await kept.send('GET', '/')).body).toBe('here');
  expect(await presented()).toEqual(second.chain[0]);
  kept.close();
  await closeServer(server);
});

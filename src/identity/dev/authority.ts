import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseWorkloadId } from '../../core/spiffe-id.ts';
import { createSvidVerifier } from '../jwt-svid.ts';
import { createTrustBundles, type TrustBundle } from '../trust-bundle.ts';
import { loadOrCreateAuthorityKeys } from './authority-keys.ts';
import { serveWorkloadApi } from './workload-api.ts';

/** Name of the authority's own socket in its folder. */
export const AUTHORITY_SOCKET = 'authority.sock';

const MAX_REQUEST = 4096;

export type DevAuthority = {
  bundle(): TrustBundle;
  close(): Promise<void>;
};

/**
 * The development authority: a certificate authority for one trust domain, in this process. Whoever can enter `dir`
 * gets any identity of it (docs/adr/0008). Never part of a production set-up.
 */
export async function startDevAuthority(options: {
  dir: string;
  trustDomain: string;
  clock: () => number;
}): Promise<DevAuthority> {
  const { dir, trustDomain, clock } = options;
  const keys = await loadOrCreateAuthorityKeys(dir, trustDomain, clock);
  const bundles = createTrustBundles([{ trustDomain, bundle: () => keys.bundle() }]);
  const svids = createSvidVerifier({ bundles, clock, skewSeconds: 0, withGroups: (agent) => agent });
  // Socket paths are limited to some 100 bytes, so workload sockets live in a short folder of their own.
  const sockets = mkdtempSync(join(tmpdir(), 'remit-wl-'));
  let count = 0;

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const wanted = parseWorkloadId(await readText(request));
    if ('problem' in wanted || wanted.trustDomain !== trustDomain) {
      const why = 'problem' in wanted ? wanted.problem : `is not in trust domain \`${trustDomain}\``;
      response.writeHead(400).end(`the SPIFFE ID ${why}`);
      return;
    }
    const socket = join(sockets, `${++count}.sock`);
    const server = await serveWorkloadApi(socket, wanted.id, { keys, trustDomain, svids, clock });
    chmodSync(socket, 0o600);
    // The identity is served for as long as the asker keeps this answer open.
    response.on('close', () => {
      server.forceShutdown();
      rmSync(socket, { force: true });
    });
    response.writeHead(200).write(`${socket}\n`);
  };

  const admin = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  const path = join(dir, AUTHORITY_SOCKET);
  rmSync(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    admin.once('error', reject);
    admin.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  return {
    bundle: () => keys.bundle(),
    close: async () => {
      admin.closeAllConnections();
      await new Promise((resolve) => admin.close(resolve));
      rmSync(sockets, { recursive: true, force: true });
    },
  };
}

async function readText(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk as string;
    if (text.length > MAX_REQUEST) throw new Error('the request is too long');
  }
  return text;
}

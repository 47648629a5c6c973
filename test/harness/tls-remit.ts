import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTlsClient, type TlsClient } from '../fixtures/tls-request.ts';
import { createX509Authority, type Issued, type X509Authority } from '../fixtures/x509-authority.ts';
import { startRemit, type RemitProcess } from './remit-process.ts';

/** A Remit that ends TLS itself. Every process that the test starts from here on trusts its certificate. */
export type TlsRemit = {
  remit: RemitProcess;
  /** Writes another certificate to its files. */
  renew(): Promise<Issued>;
  open(shown?: { cert: string; key: string }): TlsClient;
  dispose(): Promise<void>;
};

/**
 * @param options.prepare changes the configuration further.
 * @param options.web issues its certificate.
 */
export async function startTlsRemit(
  options: { prepare?: (folder: string) => void; web?: X509Authority } = {},
): Promise<TlsRemit> {
  const folder = mkdtempSync(join(tmpdir(), 'remit-tls-'));
  const web = options.web ?? (await createX509Authority('web'));
  const trusted = join(folder, 'web.pem');
  writeFileSync(trusted, web.pem);
  const file = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  const renew = async () => {
    const issued = await web.server('127.0.0.1', 'localhost');
    for (const kind of ['key', 'cert'] as const) {
      writeFileSync(`${file[kind]}.new`, issued[kind]);
      renameSync(`${file[kind]}.new`, file[kind]);
    }
    return issued;
  };
  await renew();
  const before = process.env['NODE_EXTRA_CA_CERTS'];
  process.env['NODE_EXTRA_CA_CERTS'] = trusted;
  const remit = await startRemit({
    scheme: 'https',
    prepare: (copy) => {
      const config = join(copy, 'remit.yaml');
      const tls = `server:\n  tls: { certificate_file: ${file.cert}, key_file: ${file.key} }\n`;
      writeFileSync(config, readFileSync(config, 'utf8').replace('server:\n', tls));
      options.prepare?.(copy);
    },
  });
  const port = Number(new URL(remit.url).port);
  const clients: TlsClient[] = [];
  return {
    remit,
    renew,
    open: (shown) => {
      const client = openTlsClient(port, 'localhost', { ca: web.pem, ...shown });
      clients.push(client);
      return client;
    },
    dispose: async () => {
      for (const client of clients) client.close();
      await remit.dispose();
      if (before === undefined) delete process.env['NODE_EXTRA_CA_CERTS'];
      else process.env['NODE_EXTRA_CA_CERTS'] = before;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

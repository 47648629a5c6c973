import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Issued } from '../fixtures/x509-authority.ts';

/** A SPIFFE bundle endpoint that serves what the test says. */
export type BundleServer = {
  url: string;
  publish(bundle: object): void;
  present(identity: Issued): void;
  close(): void;
};

export async function serveBundle(identity: Issued, first: object): Promise<BundleServer> {
  let bundle = first;
  const server = createServer({ cert: identity.cert, key: identity.key }, (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(bundle));
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}/bundle`,
    publish: (next) => (bundle = next),
    present: ({ cert, key }) => server.setSecureContext({ cert, key }),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

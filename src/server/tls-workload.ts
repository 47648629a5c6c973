import { createPrivateKey, X509Certificate } from 'node:crypto';
import { Unavailable } from '../core/errors.ts';
import { splitCertificates } from '../identity/certificate-chain.ts';
import type { X509SvidMessage } from '../identity/workload-proto.ts';
import type { WorkloadStreams } from '../identity/workload-stream.ts';
import type { TlsIdentity } from './tls-server.ts';

/**
 * Remit's own X.509-SVID as its TLS certificate. Calls `present` for each one that the Workload API gives, the first
 * included; resolves with the first.
 *
 * @throws Unavailable when there is none within `withinMs`.
 */
export async function followTlsSvid(
  streams: WorkloadStreams,
  present: (identity: TlsIdentity) => void,
  withinMs: number,
): Promise<TlsIdentity> {
  const first = Promise.withResolvers<TlsIdentity>();
  streams.follow<{ svids: X509SvidMessage[] }>(
    'FetchX509SVID',
    ({ svids }) => {
      const identity = toIdentity(svids);
      present(identity);
      first.resolve(identity);
    },
    // What is presented has an end of its own; without it nobody could ask for anything.
    () => {},
  );
  const late = setTimeout(
    () =>
      first.reject(
        new Unavailable('the Workload API gives no X.509-SVID for `server.tls`; is Remit registered there?'),
      ),
    withinMs,
  );
  try {
    return await first.promise;
  } finally {
    clearTimeout(late);
  }
}

/** Workload API, section 8: the default identity is the first. */
function toIdentity([svid]: X509SvidMessage[]): TlsIdentity {
  if (svid === undefined) throw new Error('no SVID');
  const chain = splitCertificates(svid.x509_svid).map((der) => new X509Certificate(der));
  const key = createPrivateKey({ key: svid.x509_svid_key, format: 'der', type: 'pkcs8' });
  if (chain[0]?.checkPrivateKey(key) !== true) throw new Error('the key is not of the SVID');
  return {
    cert: chain.map((certificate) => certificate.toString()).join(''),
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

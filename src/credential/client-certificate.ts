import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import type { CredentialConfig } from '../config/credential.ts';
import { nameOfPlace } from '../config/secret-place.ts';
import { CredentialUnavailable } from '../core/errors.ts';
import type { Credential } from './credential.ts';
import { injected } from './injected.ts';
import { NOT_TO_BE_HAD, type Secrets } from './secrets.ts';

/** A certificate of the connection (RFC 8446, section 4.4.2). The request must go over TLS. */
export function createClientCertificate(
  { kind, certificate, key: place }: Extract<CredentialConfig, { kind: 'client_certificate' }>,
  { secrets }: { secrets: Secrets },
): Credential {
  return {
    kind,
    signsBody: false,
    inject: async ({ url }, { signal }) => {
      if (!url.startsWith('https:')) {
        throw new CredentialUnavailable(NOT_TO_BE_HAD, { detail: 'a client certificate needs an https target' });
      }
      const [cert, kept] = await Promise.all([secrets.read(certificate, signal), secrets.read(place, signal)]);
      const id = checkPair(cert.value, kept.value, nameOfPlace(place));
      // The target never gets the key, so there is nothing that it could give back.
      return injected({ kind, place, kept }, { tls: { id, cert: cert.value, key: kept.value }, secrets: [] });
    },
    refused: () => {
      secrets.forget(certificate);
      secrets.forget(place);
    },
  };
}

/** Said here, since TLS would say it in words of its own, and only once a connection stands. */
function checkPair(cert: string, key: string, source: string): string {
  let matches = false;
  try {
    matches = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    // INVARIANT 14: the error may quote the key.
  }
  if (matches) return createHash('sha256').update(cert).update('\0').update(key).digest('hex');
  throw new CredentialUnavailable(NOT_TO_BE_HAD, {
    detail: `secret \`${source}\`: it is not the PEM key of the certificate`,
  });
}

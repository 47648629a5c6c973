import { webcrypto } from 'node:crypto';
// @peculiar/x509 asks its user to load this polyfill.
import 'reflect-metadata';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

const EC = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const;
const LIFETIME_MS = 7 * 24 * 3600_000;

/** Certificates that clients of this process alone trust. */
export type LocalCertificates = {
  /** The authority, PEM. */
  authority: string;
  /** Certificate and key by host, PEM. */
  byHost: ReadonlyMap<string, { cert: string; key: string }>;
};

/**
 * Makes an authority and its certificates for these hosts. Its key is gone when this returns: whoever trusts the authority
 * trusts it for these hosts, and nobody can have it say more.
 *
 * @param now in ms since the epoch.
 */
export async function makeLocalCertificates(hosts: readonly string[], now: number): Promise<LocalCertificates> {
  const times = { notBefore: new Date(now - 60_000), notAfter: new Date(now + LIFETIME_MS) };
  const name = 'O=Remit, CN=local proxy';
  const keys = await newKeys(false);
  const authority = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name,
    ...times,
    keys,
    signingAlgorithm: SIGNING,
    extensions: [new BasicConstraintsExtension(true, 0, true), new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true)],
  });
  const byHost = new Map<string, { cert: string; key: string }>();
  for (const host of new Set(hosts)) {
    const own = await newKeys(true);
    const address = host.replace(/^\[|\]$/g, '');
    const isAddress = /^[\d.]+$/.test(address) || address.includes(':');
    const leaf = await X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: 'O=Remit',
      issuer: name,
      ...times,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: SIGNING,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension([{ type: isAddress ? 'ip' : 'dns', value: address }]),
      ],
    });
    const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', own.privateKey);
    byHost.set(host, { cert: leaf.toString('pem'), key: PemConverter.encode(pkcs8, 'PRIVATE KEY') });
  }
  return { authority: authority.toString('pem'), byHost };
}

function newKeys(extractable: boolean): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(EC, extractable, ['sign', 'verify']);
}

/** RFC 5280, section 4.1.2.2: positive, and without a leading zero. */
function serialNumber(): string {
  return Buffer.from(webcrypto.getRandomValues(new Uint8Array(8)))
    .toString('hex')
    .replace(/^./, '1');
}

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { webcrypto } from 'node:crypto';
// @peculiar/x509 asks its user to load this polyfill.
import 'reflect-metadata';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, SignJWT, type CryptoKey, type JWK } from 'jose';
import type { TrustBundle } from '../trust-bundle.ts';

const EC = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const;
const JWT_LIFETIME_SECONDS = 300;
const X509_LIFETIME_MS = 3_600_000;
const CA_LIFETIME_MS = 365 * 24 * 3_600_000;

export type X509Svid = { certificates: Buffer; key: Buffer; bundle: Buffer; expiresAt: number };

/** The keys of the development authority. They stay in `dir`, so that a restart is the same authority. */
export interface AuthorityKeys {
  bundle(): TrustBundle;
  issueJwt(spiffeId: string, audience: string[]): Promise<string>;
  issueX509(spiffeId: string): Promise<X509Svid>;
}

export async function loadOrCreateAuthorityKeys(
  dir: string,
  trustDomain: string,
  clock: () => number,
): Promise<AuthorityKeys> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const jwtJwk = await keyFile(join(dir, 'jwt-svid.jwk'));
  const caJwk = await keyFile(join(dir, 'x509-ca.jwk'));
  const { d: _private, ...jwtPublic } = jwtJwk;
  const kid = await calculateJwkThumbprint(jwtPublic);
  const jwtKey = (await importJWK(jwtJwk, 'ES256')) as CryptoKey;
  const ca = await caPair(caJwk);
  const certificate = await caCertificate(join(dir, 'x509-ca.der'), ca, trustDomain, clock());
  const caDer = Buffer.from(certificate.rawData);
  const caPublic = await exportJWK(ca.publicKey);
  const bundle: TrustBundle = {
    keys: [
      { ...jwtPublic, kid, use: 'jwt-svid' },
      { ...caPublic, use: 'x509-svid', x5c: [caDer.toString('base64')] },
    ],
    spiffe_sequence: 1,
    spiffe_refresh_hint: 300,
  };
  return {
    bundle: () => bundle,
    issueJwt: (spiffeId, audience) => {
      const iat = Math.floor(clock() / 1000);
      return new SignJWT({ sub: spiffeId, aud: audience, iat, exp: iat + JWT_LIFETIME_SECONDS })
        .setProtectedHeader({ alg: 'ES256', kid, typ: 'JWT' })
        .sign(jwtKey);
    },
    issueX509: (spiffeId) => issueX509(spiffeId, ca, certificate, clock()),
  };
}

async function issueX509(
  spiffeId: string,
  ca: webcrypto.CryptoKeyPair,
  issuer: X509Certificate,
  now: number,
): Promise<X509Svid> {
  const keys = await webcrypto.subtle.generateKey(EC, true, ['sign', 'verify']);
  const expiresAt = now + X509_LIFETIME_MS;
  const leaf = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: 'O=Remit development',
    issuer: issuer.subject,
    notBefore: new Date(now - 60_000),
    notAfter: new Date(expiresAt),
    publicKey: keys.publicKey,
    signingKey: ca.privateKey,
    signingAlgorithm: SIGNING,
    // X.509-SVID, section 4: no CA, digitalSignature critical, exactly one URI SAN.
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      new SubjectAlternativeNameExtension([{ type: 'url', value: spiffeId }]),
    ],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  return { certificates: Buffer.from(leaf.rawData), key, bundle: Buffer.from(issuer.rawData), expiresAt };
}

async function caCertificate(
  file: string,
  ca: webcrypto.CryptoKeyPair,
  trustDomain: string,
  now: number,
): Promise<X509Certificate> {
  if (existsSync(file)) {
    const kept = new X509Certificate(readFileSync(file));
    if (kept.notAfter.getTime() - now > X509_LIFETIME_MS) return kept;
  }
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: 'O=Remit development, CN=authority',
    notBefore: new Date(now - 60_000),
    notAfter: new Date(now + CA_LIFETIME_MS),
    keys: ca,
    signingAlgorithm: SIGNING,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      new SubjectAlternativeNameExtension([{ type: 'url', value: `spiffe://${trustDomain}` }]),
    ],
  });
  writeFileSync(file, Buffer.from(certificate.rawData), { mode: 0o600 });
  return certificate;
}

async function caPair(jwk: JWK): Promise<webcrypto.CryptoKeyPair> {
  const { d: _private, ...publicJwk } = jwk;
  return {
    privateKey: await webcrypto.subtle.importKey('jwk', jwk as webcrypto.JsonWebKey, EC, true, ['sign']),
    publicKey: await webcrypto.subtle.importKey('jwk', publicJwk as webcrypto.JsonWebKey, EC, true, ['verify']),
  };
}

async function keyFile(file: string): Promise<JWK> {
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as JWK;
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(privateKey);
  writeFileSync(file, JSON.stringify(jwk), { mode: 0o600, flag: 'wx' });
  return jwk;
}

/** RFC 5280, section 4.1.2.2: positive, at most 20 octets. */
function serialNumber(): string {
  const bytes = Buffer.from(webcrypto.getRandomValues(new Uint8Array(16)));
  bytes[0]! &= 0x7f;
  return bytes.toString('hex');
}

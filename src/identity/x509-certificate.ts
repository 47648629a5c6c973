import { X509Certificate as NodeCertificate } from 'node:crypto';
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
} from '@peculiar/x509';
import { parseSpiffeId, parseWorkloadId, type ParsedSpiffeId } from '../core/spiffe-id.ts';

export type Certificate = {
  /** Milliseconds since the epoch. */
  notBefore: number;
  notAfter: number;
  /** Subject and issuer are the same. */
  selfIssued: boolean;
  /** `undefined` where the certificate has no such extension. */
  basicConstraints: { ca: boolean; pathLength: number | undefined } | undefined;
  keyUsage: { usages: number; critical: boolean } | undefined;
  extendedKeyUsage: string[] | undefined;
  uris: string[];
  /** Whether this certificate's key signed the other, and their names fit. */
  issued(other: Certificate): boolean;
  node: NodeCertificate;
};

/** Extensions that are understood here. Name constraints are not: a certificate with them is refused (docs/adr/0017). */
const UNDERSTOOD = new Set(['2.5.29.15', '2.5.29.17', '2.5.29.19', '2.5.29.37', '2.5.29.14', '2.5.29.35']);
const NAME_CONSTRAINTS = '2.5.29.30';
/** RFC 5280, section 4.2.1.12. */
const ANY_PURPOSE = '2.5.29.37.0';
const HASHES = new Set(['SHA-256', 'SHA-384', 'SHA-512']);
/** A larger key is the shower's way to make our check slow. */
const RSA_BITS = { min: 2048, max: 8192 };

/** What the peer is in the TLS connection. */
export type Role = 'client' | 'server';

/** Throws when the bytes are no certificate, or one with something that we do not understand and must. */
export function readCertificate(der: Buffer): Certificate {
  const parsed = new X509Certificate(der);
  const seen = new Set<string>();
  for (const { type, critical } of parsed.extensions) {
    if (seen.has(type)) throw new Error(`extension ${type} twice`);
    seen.add(type);
    if (type === NAME_CONSTRAINTS || (critical && !UNDERSTOOD.has(type))) throw new Error(`extension ${type}`);
  }
  const node = new NodeCertificate(der);
  if (!node.raw.equals(der)) throw new Error('bytes behind the certificate');
  checkAlgorithms(parsed, node);
  const constraints = parsed.getExtension(BasicConstraintsExtension);
  const usage = parsed.getExtension(KeyUsagesExtension);
  const names = parsed.getExtension(SubjectAlternativeNameExtension)?.names.items ?? [];
  return {
    notBefore: parsed.notBefore.getTime(),
    notAfter: parsed.notAfter.getTime(),
    selfIssued: parsed.subject === parsed.issuer,
    basicConstraints: constraints === null ? undefined : { ca: constraints.ca, pathLength: constraints.pathLength },
    keyUsage: usage === null ? undefined : { usages: usage.usages, critical: usage.critical },
    extendedKeyUsage: parsed.getExtension(ExtendedKeyUsageExtension)?.usages.map(String),
    uris: names.filter(({ type }) => type === 'url').map(({ value }) => value),
    issued: (other) => other.node.checkIssued(node) && other.node.verify(node.publicKey),
    node,
  };
}

function checkAlgorithms(parsed: X509Certificate, node: NodeCertificate): void {
  const signature = parsed.signatureAlgorithm as { name: string; hash?: { name: string } };
  if (signature.name !== 'Ed25519' && !HASHES.has(signature.hash?.name ?? '')) throw new Error('signature algorithm');
  const { asymmetricKeyType, asymmetricKeyDetails } = node.publicKey;
  if (!['rsa', 'rsa-pss', 'ec', 'ed25519'].includes(asymmetricKeyType ?? '')) throw new Error('kind of key');
  const bits = asymmetricKeyDetails?.modulusLength ?? RSA_BITS.min;
  if (bits < RSA_BITS.min || bits > RSA_BITS.max) throw new Error('length of the key');
}

/** X.509-SVID, sections 2 and 4, of a leaf: whom it names. Throws when it is none. */
export function checkLeaf(leaf: Certificate): ParsedSpiffeId {
  if (leaf.uris.length !== 1) throw new Error('not exactly one URI');
  const named = parseWorkloadId(leaf.uris[0]!);
  if ('problem' in named) throw new Error(`the URI ${named.problem}`);
  if (leaf.basicConstraints?.ca === true) throw new Error('the leaf is an authority');
  const usage = leaf.keyUsage;
  if (usage === undefined || !usage.critical) throw new Error('no critical key usage');
  if ((usage.usages & KeyUsageFlags.digitalSignature) === 0) throw new Error('the key is not for signatures');
  if ((usage.usages & (KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign)) !== 0) {
    throw new Error('the key signs certificates');
  }
  if (!isFor(leaf, [ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.serverAuth])) throw new Error('extended key usage');
  return named;
}

/** Whether it may issue what is below it: X.509-SVID, sections 3.2 and 4; RFC 5280, section 6.1.4 (k) to (n). */
export function checkAuthority(authority: Certificate, below: number, role: Role): boolean {
  const { basicConstraints, keyUsage, uris } = authority;
  if (basicConstraints?.ca !== true || below > (basicConstraints.pathLength ?? Infinity)) return false;
  if (keyUsage === undefined || (keyUsage.usages & KeyUsageFlags.keyCertSign) === 0) return false;
  const purpose = role === 'client' ? ExtendedKeyUsage.clientAuth : ExtendedKeyUsage.serverAuth;
  if (!isFor(authority, [purpose]) && !isFor(authority, [ANY_PURPOSE])) return false;
  return uris.length === 0 || (uris.length === 1 && namesTrustDomain(uris[0]!));
}

function namesTrustDomain(uri: string): boolean {
  const named = parseSpiffeId(uri);
  return !('problem' in named) && named.path === '';
}

function isFor({ extendedKeyUsage }: Certificate, purposes: string[]): boolean {
  return extendedKeyUsage === undefined || purposes.every((purpose) => extendedKeyUsage.includes(purpose));
}

export function isValidAt(certificate: Certificate, { now, skewMs }: { now: number; skewMs: number }): boolean {
  return certificate.notBefore - skewMs <= now && now <= certificate.notAfter + skewMs;
}

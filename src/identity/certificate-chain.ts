import type { X509Certificate } from 'node:crypto';

/** More than a verifier takes, so that it is the verifier who refuses. */
const MAX_CHAIN = 10;

/** What a peer showed, DER, leaf first: each certificate with the one that issued it behind. */
export function chainOf(leaf: X509Certificate): Buffer[] {
  const chain: Buffer[] = [];
  let next: X509Certificate | undefined = leaf;
  while (next !== undefined && chain.length < MAX_CHAIN) {
    chain.push(next.raw);
    next = next.issuerCertificate;
  }
  return chain;
}

/** The DER certificates of a concatenation, as the Workload API sends them. Throws when it is none. */
export function splitCertificates(der: Buffer): Buffer[] {
  const certificates: Buffer[] = [];
  let at = 0;
  while (at < der.length) {
    const end = at + lengthOfSequence(der.subarray(at));
    if (end > der.length) throw new Error('a certificate is cut');
    certificates.push(der.subarray(at, end));
    at = end;
  }
  return certificates;
}

/** Of a DER SEQUENCE with its header (X.690, section 8.1.3). */
function lengthOfSequence(der: Buffer): number {
  const [tag, first] = der;
  if (tag !== 0x30 || first === undefined) throw new Error('not a DER sequence');
  if (first < 0x80) return 2 + first;
  const octets = first & 0x7f;
  if (octets === 0 || octets > 4 || der.length < 2 + octets) throw new Error('not a DER sequence');
  return 2 + octets + der.readUIntBE(2, octets);
}

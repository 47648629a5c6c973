/**
 * An ECDSA signature as JOSE has it (R and S side by side; RFC 7518, section 3.4) in the form of ASN.1 (RFC 3279, section
 * 2.2.3), which `node:crypto` checks in two thirds of the time. `null` for one that is not of two numbers of `size` bytes.
 */
export function ecdsaDer(signature: Buffer, size: 32 | 48): Buffer | null {
  if (signature.length !== 2 * size) return null;
  const [rStart, rLength, rPad] = integer(signature, 0, size);
  const [sStart, sLength, sPad] = integer(signature, size, 2 * size);
  const content = 4 + rLength + rPad + sLength + sPad;
  // The longest, 102 bytes of two numbers of 48, still has its length in one byte.
  const der = Buffer.alloc(2 + content);
  der[0] = SEQUENCE;
  der[1] = content;
  der[2] = INTEGER;
  der[3] = rLength + rPad;
  signature.copy(der, 4 + rPad, rStart, rStart + rLength);
  const s = 4 + rPad + rLength;
  der[s] = INTEGER;
  der[s + 1] = sLength + sPad;
  signature.copy(der, s + 2 + sPad, sStart, sStart + sLength);
  return der;
}

const SEQUENCE = 0x30;
const INTEGER = 0x02;

/** Where the number begins without leading zeros, how long it is, and whether it needs one for its sign. */
function integer(bytes: Buffer, from: number, to: number): [start: number, length: number, pad: 0 | 1] {
  let start = from;
  while (start < to - 1 && bytes[start] === 0) start += 1;
  return [start, to - start, bytes[start]! >= 0x80 ? 1 : 0];
}

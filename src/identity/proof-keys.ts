import { calculateJwkThumbprint, importJWK, type CryptoKey, type JWK } from 'jose';

/** The key of a proof, ready to verify with, and its RFC 7638 thumbprint. */
export type ProofKey = { key: CryptoKey; jkt: string };

/** The members that make a public key (RFC 7638, section 3.2; RFC 8037, section 2). */
const PUBLIC_MEMBERS = ['kty', 'crv', 'x', 'y', 'n', 'e'] as const;
/** Members of private and symmetric keys (RFC 7518, section 6). */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

const REMEMBERED = 10_000;

/** Keys that proofs come with. To import one costs a third of a signature check, and a caller sends the same each time. */
export class ProofKeys {
  readonly #known = new Map<string, ProofKey>();

  /** @throws Error for a key that is private, symmetric, or of another kind than `alg` needs. */
  async of(jwk: JWK, alg: string): Promise<ProofKey> {
    if (PRIVATE_MEMBERS.some((member) => member in jwk)) throw new Error('jwk');
    const members = PUBLIC_MEMBERS.map((member) => [member, jwk[member]] as const);
    const name = JSON.stringify([alg, members]);
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const key = await importJWK(Object.fromEntries(members.filter(([, value]) => value !== undefined)) as JWK, alg);
    if (key instanceof Uint8Array || key.type !== 'public') throw new Error('jwk');
    const imported = { key, jkt: await calculateJwkThumbprint(jwk, 'sha256') };
    if (this.#known.size >= REMEMBERED) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(name, imported);
    return imported;
  }
}

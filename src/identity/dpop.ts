import { hash } from 'node:crypto';
import { InvalidDpopProof, UseDpopNonce } from '../core/errors.ts';
import type { DpopNonces } from './dpop-nonce.ts';
import { ProofSignatures } from './proof-signature.ts';
import { SeenOnce } from './seen-once.ts';

export { DPOP_ALGORITHMS } from './proof-signature.ts';

export type DpopRequest = {
  /** Every `DPoP` header value of the request; exactly one is accepted. */
  proofs: string[];
  method: string;
  /** The URL that the caller meant, as Remit is known to the outside. */
  url: string;
  /** Set at a resource: the proof must then carry its hash (`ath`). */
  accessToken?: string;
};

export interface DpopVerifier {
  /**
   * RFC 9449, section 4.3. Resolves with the RFC 7638 thumbprint of the key that was proven and the proof's `jti`.
   *
   * @throws InvalidDpopProof, which says no more than that; UseDpopNonce when the proof is good but for its nonce.
   */
  verify(request: DpopRequest): Promise<{ jkt: string; jti: string }>;
}

const MAX_PROOF = 4096;
const MAX_JTI = 256;
/** Proofs within the window of their `iat`; see `jti.memory` of the benchmarks. */
const MAX_REMEMBERED = 1_000_000;

export function createDpopVerifier(options: {
  clock: () => number;
  skewSeconds: number;
  /** When the process started, in ms. Proofs made before are refused: what was seen then is forgotten. */
  bootedAt: number;
  /** Set where proofs need a nonce (section 8 and 9). */
  nonces?: DpopNonces;
  maxRemembered?: number;
}): DpopVerifier {
  const seen = new SeenOnce(options.maxRemembered ?? MAX_REMEMBERED, 2 * (options.skewSeconds + 1) * 1000);
  const signatures = new ProofSignatures();
  const bootSecond = Math.floor(options.bootedAt / 1000);
  return {
    verify: async (request) => {
      const proof = request.proofs[0];
      if (request.proofs.length !== 1 || proof === undefined || proof.length > MAX_PROOF)
        throw refused('count or size');
      const now = options.clock();
      const { payload, jkt } = await signatures
        .verify(proof, { now, skewSeconds: options.skewSeconds })
        .catch((cause: unknown) => {
          throw refused('signature or form', cause);
        });
      const { jti, htm, htu, iat, ath, nonce } = payload;
      if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI) throw refused('jti');
      if (htm !== request.method) throw refused('htm');
      if (typeof htu !== 'string' || !sameTarget(htu, request.url)) throw refused('htu');
      if (typeof iat !== 'number' || Math.abs(now / 1000 - iat) > options.skewSeconds) throw refused('iat');
      if (iat < bootSecond) throw refused('iat is before the start of the process');
      if (request.accessToken !== undefined && ath !== accessTokenHash(request.accessToken)) throw refused('ath');
      const { nonces } = options;
      if (nonces !== undefined && (typeof nonce !== 'string' || !nonces.accepts(nonce))) {
        throw new UseDpopNonce(nonces.current());
      }
      // The window of `iat` is what bounds the memory: after it the proof is stale anyway.
      if (!seen.add(`${jkt} ${jti}`, (iat + options.skewSeconds + 1) * 1000, now))
        throw refused('jti was used, or the memory is full');
      return { jkt, jti };
    },
  };
}

/** RFC 9449, section 4.3 (9): without query and fragment, normalised as RFC 3986, section 6.2.2 and 6.2.3, ask for. */
function sameTarget(htu: string, url: string): boolean {
  // What is alike as it stands is alike when normalised.
  if (htu === url) return true;
  const target = targetUri(htu);
  return target !== null && target === targetUri(url);
}

function targetUri(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  return `${url.origin}${url.pathname}`;
}

function accessTokenHash(token: string): string {
  return hash('sha256', token, 'base64url');
}

function refused(detail: string, cause?: unknown): InvalidDpopProof {
  return new InvalidDpopProof('the DPoP proof is not valid for this request', { detail, cause });
}

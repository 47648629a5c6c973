import { compactVerify, calculateJwkThumbprint, importJWK, type JWK } from 'jose';
import { z } from 'zod';
import type { Sha256Hex } from '../core/action.ts';
import { InvalidRequest } from '../core/errors.ts';
import type { PromptOrigin } from '../core/task.ts';
import type { Asker } from './authorize.ts';
import { text } from './grant-form.ts';

export const CHANNELS = ['console', 'cli', 'api', 'chat', 'email', 'ticket', 'schedule', 'agent'] as const;

/** Where the instruction came from, as it stands in records. */
export const originForm = z.strictObject({
  channel: z.enum(CHANNELS),
  author: text(320).optional(),
  digest: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/)
    .optional(),
  /** RFC 7638 thumbprint of the key that the client which captured the prompt has signed it with. */
  signer: z.string().max(64).optional(),
  trust: z.enum(['authenticated', 'organisation', 'outside']),
});

/** The same as the requester states it, with the signature of the client that captured the prompt. */
export const statedOriginForm = originForm.omit({ signer: true }).extend({
  signature: z.string().max(4096).optional().meta({
    description:
      'compact JWS, `typ` `remit-prompt`, by the DPoP key of the request, over `digest`, `channel` and `iat`',
  }),
});

export const MAX_PROMPT = 64 * 1024;
export const PROMPT_TYPE = 'remit-prompt';
const ALGORITHMS = ['ES256', 'ES384', 'EdDSA', 'Ed25519', 'PS256', 'RS256'];
/** A prompt is captured shortly before its task is asked for. */
const MAX_AGE_SECONDS = 3_600;

export type PromptParts = { sha256: Sha256Hex; clock: () => number; skewSeconds: number };

/**
 * The origin of a task's prompt, checked: that the text is the one of the digest, that the signature is of this prompt and by
 * the key of this very request, and that a channel on which anybody can write does not pass for an authenticated one.
 *
 * @throws InvalidRequest naming the member and what is expected.
 */
export async function promptOrigin(
  asker: Pick<Asker, 'token'>,
  { origin: stated, prompt }: { origin: z.output<typeof statedOriginForm>; prompt: string | undefined },
  parts: PromptParts,
): Promise<PromptOrigin> {
  const { signature, ...origin } = stated;
  if (origin.trust === 'authenticated' && (origin.channel === 'email' || origin.channel === 'ticket')) {
    const what = `\`origin.trust\`: who writes by ${origin.channel} is not authenticated here`;
    throw new InvalidRequest(`${what}; say \`organisation\` or \`outside\``);
  }
  const digest = prompt === undefined ? undefined : `sha256:${parts.sha256(prompt)}`;
  if (digest !== undefined && origin.digest !== undefined && origin.digest !== digest) {
    throw new InvalidRequest('`origin.digest`: is not that of `prompt`; give the SHA-256 of its UTF-8 text');
  }
  const known = { ...origin, ...(digest === undefined ? {} : { digest }) };
  if (signature === undefined) return known;
  return { ...known, signer: await signerOf(signature, asker, known, parts) };
}

async function signerOf(
  signature: string,
  { token }: Pick<Asker, 'token'>,
  origin: PromptOrigin,
  { clock, skewSeconds }: PromptParts,
): Promise<string> {
  const refused = (what: string, next: string) => new InvalidRequest(`\`origin.signature\`: ${what}; ${next}`);
  const { claims, jkt } = await verified(signature).catch((cause: unknown) => {
    throw new InvalidRequest(
      '`origin.signature`: is not a signature of a prompt; sign it with the key of the request',
      {
        cause,
      },
    );
  });
  if (token === null || token.binding !== 'dpop' || jkt !== token.key) {
    throw refused('is by another key than that of this request', 'sign with the key of its DPoP proof');
  }
  if (origin.digest === undefined || claims.digest !== origin.digest || claims.channel !== origin.channel) {
    throw refused('is of another prompt', 'sign the `digest` and the `channel` of this origin');
  }
  const age = clock() / 1000 - claims.iat;
  if (age > MAX_AGE_SECONDS || age < -skewSeconds) throw refused('is not of this hour', 'sign it anew');
  return jkt;
}

const claimsForm = z.object({ digest: z.string(), channel: z.string(), iat: z.number() });
const PUBLIC_MEMBERS = ['kty', 'crv', 'x', 'y', 'n', 'e'] as const;

async function verified(signature: string): Promise<{ claims: z.output<typeof claimsForm>; jkt: string }> {
  let jkt = '';
  const { payload } = await compactVerify(
    signature,
    async ({ typ, jwk = {}, alg }) => {
      if (typ !== PROMPT_TYPE || 'd' in jwk || 'k' in jwk) throw new Error('header');
      const members = PUBLIC_MEMBERS.filter((member) => jwk[member] !== undefined);
      const key = Object.fromEntries(members.map((member) => [member, jwk[member]])) as JWK;
      jkt = await calculateJwkThumbprint(key);
      return importJWK(key, alg);
    },
    { algorithms: ALGORITHMS },
  );
  return { claims: claimsForm.parse(JSON.parse(new TextDecoder().decode(payload))), jkt };
}

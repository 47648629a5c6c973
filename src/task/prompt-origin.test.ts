import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { beforeAll, expect, test } from 'vitest';
import type { PromptOrigin } from '../core/task.ts';
import { promptOrigin, statedOriginForm } from './prompt-origin.ts';

const NOW = 1_790_000_000_000;
const sha256 = (text: string) => createHash('sha256').update(text, 'utf8').digest('hex');
const PROMPT = 'Pay the bill of Dora.';
const DIGEST = `sha256:${sha256(PROMPT)}`;

let pair: Awaited<ReturnType<typeof generateKeyPair>>;
let other: typeof pair;
let key: string;
beforeAll(async () => {
  [pair, other] = await Promise.all([generateKeyPair('ES256'), generateKeyPair('ES256')]);
  key = await calculateJwkThumbprint(await exportJWK(pair.publicKey));
});

async function signed(claims: object = {}, { by = pair, header = {} }: { by?: typeof pair; header?: object } = {}) {
  return new SignJWT({ digest: DIGEST, channel: 'cli', iat: NOW / 1000, ...claims })
    .setProtectedHeader({ typ: 'remit-prompt', alg: 'ES256', jwk: await exportJWK(by.publicKey), ...header })
    .sign(by.privateKey);
}

async function origin(
  stated: object,
  prompt?: string,
  binding: 'dpop' | 'mtls' = 'dpop',
): Promise<PromptOrigin | string> {
  const token = { id: 'tok_1', key, issuedAt: 0, expiresAt: 1e15, binding };
  const form = statedOriginForm.parse({ channel: 'cli', trust: 'authenticated', ...stated });
  return promptOrigin({ token }, { origin: form, prompt }, { sha256, clock: () => NOW, skewSeconds: 30 }).catch(
    (error: Error) => error.message,
  );
}

test('the digest is that of the text, whoever computes it', async () => {
  expect(await origin({}, PROMPT)).toEqual({ channel: 'cli', trust: 'authenticated', digest: DIGEST });
  expect(await origin({ digest: DIGEST }, PROMPT)).toMatchObject({ digest: DIGEST });
  expect(await origin({ digest: DIGEST }, `${PROMPT} `)).toBe(
    '`origin.digest`: is not that of `prompt`; give the SHA-256 of its UTF-8 text',
  );
});

test('a prompt that its client has signed names the key; with or without its text', async () => {
  expect(await origin({ signature: await signed() }, PROMPT)).toMatchObject({ digest: DIGEST, signer: key });
  expect(await origin({ digest: DIGEST, signature: await signed() })).toMatchObject({ signer: key });
});

test.each<[string, () => Promise<Parameters<typeof origin>>, string]>([
  ['another key', async () => [{ signature: await signed({}, { by: other }) }, PROMPT], 'is by another key'],
  ['a certificate', async () => [{ signature: await signed() }, PROMPT, 'mtls'], 'is by another key'],
  ['another text', async () => [{ signature: await signed() }, 'Pay Eve.'], 'is of another prompt'],
  ['another channel', async () => [{ channel: 'chat', signature: await signed() }, PROMPT], 'is of another prompt'],
  ['no prompt', async () => [{ signature: await signed() }], 'is of another prompt'],
  ['long ago', async () => [{ signature: await signed({ iat: NOW / 1000 - 3_601 }) }, PROMPT], 'is not of this hour'],
  ['to come', async () => [{ signature: await signed({ iat: NOW / 1000 + 31 }) }, PROMPT], 'is not of this hour'],
  [
    'a proof',
    async () => [{ signature: await signed({}, { header: { typ: 'dpop+jwt' } }) }, PROMPT],
    'is not a signature',
  ],
  ['nonsense', async () => [{ signature: 'a.b.c' }, PROMPT], 'is not a signature'],
  ['changed', async () => [{ signature: `${(await signed()).slice(0, -4)}AAAA` }, PROMPT], 'is not a signature'],
])('a signature is refused: %s', async (_what, given, problem) => {
  expect(await origin(...(await given()))).toContain(`\`origin.signature\`: ${problem}`);
});

test.each(['email', 'ticket'])('what came by %s is not authenticated', async (channel) => {
  expect(await origin({ channel })).toContain('`origin.trust`');
  expect(await origin({ channel, trust: 'outside' })).toMatchObject({ channel, trust: 'outside' });
});

import { randomUUID } from 'node:crypto';
import { decodeProtectedHeader, importJWK, jwtVerify, type CryptoKey } from 'jose';
import { SeenOnce } from '../../src/identity/seen-once.ts';
import {
  agentSession,
  ISSUER,
  openClient,
  openControlPlane,
  personSession,
  requestTask,
  subjectToken,
  SUMMARISER,
  type Client,
  type ControlPlane,
} from '../fixtures/control-plane.ts';
import { heapMiB, percentile, rounded, type Figure } from './figures.ts';

const FILES = `${ISSUER}/mcp/files`;
const WARM = 4_000;
const COLD = 400;
const EXCHANGES = 6_000;
const AT_ONCE = 64;
const JTIS = 1_000_000;

/** The token service in this process on real parts: store on disk with durable records, verifiers, policy. */
export async function benchToken(): Promise<Figure[]> {
  const plane = await openControlPlane();
  try {
    const client = await openClient(plane);
    const { id: task } = await requestTask(await personSession(plane, 'alice'), { lifetime_seconds: 3000 });
    const exchange = {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:remit:params:oauth:token-type:task',
      subject_token: await subjectToken(await agentSession(plane), task),
      actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      resource: FILES,
    };
    const { times: warm, library } = await authenticating(plane, client, exchange, { tokens: 1, requests: WARM });
    const { times: cold } = await authenticating(plane, client, exchange, { tokens: COLD, requests: COLD });
    return [
      figure('auth.warm.p50', percentile(warm, 0.5), 'µs'),
      figure('auth.library.p50', percentile(library, 0.5), 'µs'),
      figure('auth.warm.ratio', percentile(warm, 0.5) / percentile(library, 0.5), ''),
      figure('auth.warm.p99', percentile(warm, 0.99), 'µs'),
      figure('auth.cold.p50', percentile(cold, 0.5), 'µs'),
      figure('token.exchanges_per_s', await exchangesPerSecond(plane, client, exchange), '1/s'),
      figure('jti.memory', jtiMemory(), 'MiB'),
    ];
  } finally {
    await plane.close();
  }
}

/**
 * Microseconds of each authentication, with a proof of its own, and of what the library takes for the signature of that
 * proof alone, in turns. The client's work is done before.
 */
async function authenticating(
  plane: ControlPlane,
  client: Client,
  form: Record<string, string>,
  { tokens, requests }: { tokens: number; requests: number },
): Promise<{ times: number[]; library: number[] }> {
  const issued: string[] = [];
  for (let n = 0; n < tokens; n++) {
    const response = await client.token({ ...form, actor_token: await plane.svid(SUMMARISER) });
    issued.push(((await response.json()) as { access_token: string }).access_token);
  }
  const prepared: Headers[] = [];
  for (let n = 0; n < requests; n++) {
    const token = issued[n % tokens]!;
    const proof = await client.proof({ method: 'POST', url: FILES, accessToken: token });
    prepared.push(new Headers({ authorization: `DPoP ${token}`, dpop: proof }));
  }
  const proofs = prepared.map((headers) => headers.get('dpop')!);
  const { jwk, alg } = decodeProtectedHeader(proofs[0]!);
  const key = (await importJWK(jwk!, alg)) as CryptoKey;
  const times: number[] = [];
  const library: number[] = [];
  for (const [place, headers] of prepared.entries()) {
    times.push(
      await microseconds(() => plane.parts.authenticator.authenticate({ method: 'POST', url: FILES, headers }, FILES)),
    );
    library.push(await microseconds(() => jwtVerify(proofs[place]!, key, { typ: 'dpop+jwt' })));
  }
  // The first requests of a process compile the code.
  const first = Math.floor(requests / 10);
  return { times: times.slice(first), library: library.slice(first) };
}

async function microseconds(work: () => Promise<unknown>): Promise<number> {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start) / 1000;
}

/** Whole exchanges through the application: form, three signatures, decision, durable record, the token's signature. */
async function exchangesPerSecond(plane: ControlPlane, client: Client, form: Record<string, string>): Promise<number> {
  const bodies: { dpop: string; body: string }[] = [];
  for (let n = 0; n < EXCHANGES; n++) {
    const actor_token = await plane.svid(SUMMARISER, { jti: randomUUID() });
    bodies.push({
      dpop: await client.proof({ method: 'POST', url: `${ISSUER}/token` }),
      body: new URLSearchParams({ ...form, actor_token }).toString(),
    });
  }
  const one = async ({ dpop, body }: { dpop: string; body: string }) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', dpop };
    const response = await plane.app.request('/token', { method: 'POST', headers, body });
    if (response.status !== 200) throw new Error(`an exchange was refused: ${await response.text()}`);
  };
  let next = 0;
  const worker = async (until: number) => {
    while (next < until) await one(bodies[next++]!);
  };
  const all = (until: number) => Promise.all(Array.from({ length: AT_ONCE }, () => worker(until)));
  await all(EXCHANGES / 6);
  const start = performance.now();
  await all(EXCHANGES);
  return ((EXCHANGES - EXCHANGES / 6) / (performance.now() - start)) * 1000;
}

function jtiMemory(): number {
  const window = 62_000;
  const before = heapMiB();
  const seen = new SeenOnce(JTIS, window);
  for (let n = 0; n < JTIS; n++) {
    if (!seen.add(`${'k'.repeat(43)} ${n}-a5f1c2d4-0000-4000-8000-000000000000`, 1 + (n % window), 0)) {
      throw new Error('a proof was refused');
    }
  }
  const used = heapMiB() - before;
  if (seen.size !== JTIS) throw new Error('not all are remembered');
  return used;
}

function figure(name: string, value: number, unit: string): Figure {
  return { name, value: rounded(value), unit };
}

import { createHash, randomUUID } from 'node:crypto';
import { decodeJwt, exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose';
import {
  agentSession,
  API,
  ISSUER,
  OTHER_AGENT,
  personSession,
  requestTask,
  RESOURCE_SERVER,
  subjectToken,
  SUMMARISER,
  type ControlPlane,
} from '../../fixtures/control-plane.ts';
import { brokenJws, type Breaking } from './broken-jws.ts';
import { merged } from './changed-claims.ts';

/** One line of negative-cases.yaml. */
export type NegativeCase = {
  name: string;
  clause: string;
  of: 'agent' | 'client' | 'person' | 'task' | 'assertion' | 'revoke' | 'introspect' | 'api' | 'mcp';
  change: Change;
  status: number;
  error: string | null;
};

type Change = {
  form?: Record<string, string | null>;
  /** Parameters that are there already, once more. */
  twice?: Record<string, string>;
  type?: string;
  headers?: Record<string, string | null>;
  scheme?: string;
  /** The token that the request rests on: assertion, subject or access token. */
  token?: Breaking & { typ?: string };
  proof?: Breaking & { count?: number; used?: boolean };
};

/** A key that proves itself; extractable, so that a proof can wrongly hold its private part. */
export type Prover = { key: CryptoKey; jwk: JWK; private: JWK };

export async function prover(): Promise<Prover> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  return { key: privateKey, jwk: await exportJWK(publicKey), private: await exportJWK(privateKey) };
}

const FILES = `${ISSUER}/mcp/files`;
/** Where a form goes. */
const ENDPOINTS = {
  agent: '/token',
  client: '/token',
  person: '/token',
  task: '/token',
  assertion: '/token',
  revoke: '/revoke',
  introspect: '/introspect',
} as const;
/** The parameter whose token a case changes; a client's own assertion where none is named. */
const RESTS_ON: Partial<Record<NegativeCase['of'], string>> = {
  person: 'subject_token',
  task: 'subject_token',
  assertion: 'assertion',
};
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** The request of a case; with an empty change, one that is good. */
export async function requestOf(plane: ControlPlane, one: Pick<NegativeCase, 'of' | 'change'>): Promise<Request> {
  const by = await prover();
  const { of, change } = one;
  return of === 'api' || of === 'mcp'
    ? resourceRequest(plane, { of, change }, by)
    : tokenRequest(plane, { of, change }, by);
}

async function tokenRequest(
  plane: ControlPlane,
  { of, change }: { of: Exclude<NegativeCase['of'], 'api' | 'mcp'>; change: Change },
  by: Prover,
): Promise<Request> {
  const good = await formOf(plane, of);
  const url = `${ISSUER}${ENDPOINTS[of]}`;
  const restsOn = RESTS_ON[of] ?? 'client_assertion';
  if (change.token !== undefined) {
    const { people, client, spiffe } = plane.authorities;
    const key = restsOn !== 'client_assertion' ? people : of === 'client' ? client : spiffe;
    good[restsOn] = await brokenJws(good[restsOn]!, change.token, { key, now: plane.clock.now() });
  }
  const form = new URLSearchParams(good);
  for (const [name, value] of Object.entries(change.form ?? {})) {
    form.delete(name);
    if (value !== null) form.append(name, await named(plane, value));
  }
  for (const [name, value] of Object.entries(change.twice ?? {})) form.append(name, value);
  const headers = await proven(plane, by, change, { method: 'POST', url });
  headers.set('content-type', change.type ?? 'application/x-www-form-urlencoded');
  return new Request(url, { method: 'POST', headers, body: form.toString() });
}

async function formOf(plane: ControlPlane, of: keyof typeof ENDPOINTS): Promise<Record<string, string>> {
  switch (of) {
    case 'agent':
      return {
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe',
        client_assertion: await plane.svid(SUMMARISER),
        resource: API,
      };
    case 'client':
      return {
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await plane.clientAssertion(),
        resource: API,
      };
    case 'revoke':
      return {
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe',
        client_assertion: await plane.svid(SUMMARISER),
        token: (await agentSession(plane)).accessToken,
      };
    case 'introspect':
      return {
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe',
        client_assertion: await plane.svid(RESOURCE_SERVER),
        token: 'unknown',
      };
    case 'person':
      return {
        grant_type: EXCHANGE,
        subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
        subject_token: await plane.idToken('alice'),
        resource: API,
      };
    case 'assertion':
      return {
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe',
        client_assertion: await plane.svid(SUMMARISER),
        assertion: await plane.idJag('alice'),
      };
    case 'task':
      return {
        grant_type: EXCHANGE,
        subject_token_type: 'urn:remit:params:oauth:token-type:task',
        subject_token: await taskToken(plane),
        actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        actor_token: await plane.svid(SUMMARISER),
        resource: FILES,
      };
  }
}

async function resourceRequest(
  plane: ControlPlane,
  { of, change }: { of: 'api' | 'mcp'; change: Change },
  by: Prover,
): Promise<Request> {
  const url = of === 'api' ? `${API}/tasks` : FILES;
  const method = of === 'api' ? 'GET' : 'POST';
  const token = await accessToken(plane, of, by, change.token);
  const headers = await proven(
    plane,
    by,
    { headers: { authorization: `${change.scheme ?? 'DPoP'} ${token}` }, ...change },
    { method, url, token },
  );
  if (method === 'GET') return new Request(url, { headers });
  headers.set('content-type', 'application/json');
  headers.set('accept', 'application/json, text/event-stream');
  return new Request(url, { method, headers, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }) });
}

/** A token of Remit's own for the key `by`; with other claims it is signed by Remit still, unless `as` says otherwise. */
async function accessToken(plane: ControlPlane, of: NegativeCase['of'], by: Prover, change?: Change['token']) {
  const form = await formOf(plane, of === 'api' ? 'agent' : 'task');
  const headers = await proven(plane, by, {}, { method: 'POST', url: `${ISSUER}/token` });
  headers.set('content-type', 'application/x-www-form-urlencoded');
  const body = new URLSearchParams(form).toString();
  const answer = await plane.app.request(new Request(`${ISSUER}/token`, { method: 'POST', headers, body }));
  const { access_token: token } = (await answer.json()) as { access_token: string };
  if (change === undefined) return token;
  const claims = merged(decodeJwt(token), change.claims, plane.clock.now());
  const signed = await plane.tokenKey.sign(change.typ ?? 'at+jwt', claims);
  return change.as === undefined
    ? signed
    : brokenJws(
        signed,
        { ...change, claims: {} },
        { key: by.key, now: plane.clock.now(), jwk: plane.tokenKey.publicJwks()[0]! },
      );
}

async function proven(
  plane: ControlPlane,
  by: Prover,
  change: Change,
  of: { method: string; url: string; token?: string },
): Promise<Headers> {
  const headers = new Headers();
  const good = await brokenJws(
    unsigned(
      { alg: 'ES256', typ: 'dpop+jwt', jwk: by.jwk },
      {
        jti: randomUUID(),
        htm: of.method,
        htu: of.url,
        iat: Math.floor(plane.clock.now() / 1000),
        ...(of.token === undefined ? {} : { ath: createHash('sha256').update(of.token).digest('base64url') }),
      },
    ),
    change.proof ?? {},
    { key: by.key, now: plane.clock.now(), jwk: by.jwk, private: by.private },
  );
  for (let n = change.proof?.count ?? 1; n > 0; n--) headers.append('dpop', good);
  for (const [name, value] of Object.entries(change.headers ?? {})) if (value !== null) headers.set(name, value);
  if (change.proof?.used === true) {
    await plane.parts.tokens.dpop.verify({ proofs: [good], method: of.method, url: of.url });
  }
  return headers;
}

function unsigned(header: object, claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part(header)}.${part(claims)}.`;
}

async function taskToken(plane: ControlPlane): Promise<string> {
  const { id } = await requestTask(await personSession(plane, 'alice'));
  return subjectToken(await agentSession(plane), id);
}

/** A value that the data names: a token of another kind, or much text. */
async function named(plane: ControlPlane, value: string): Promise<string> {
  switch (value) {
    case '$svid':
      return plane.svid(SUMMARISER);
    case '$svid-of-other':
      return plane.svid(OTHER_AGENT);
    case '$id-jag':
      return plane.idJag('alice');
    case '$id-jag-of-dan':
      return plane.idJag('dan');
    case '$id-token':
      return plane.idToken('alice');
    case '$task-token':
      return taskToken(plane);
    case '$access-token':
      return (await agentSession(plane)).accessToken;
    case '$large':
      return 'x'.repeat(70_000);
    default:
      return value;
  }
}

import { createHash } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT, type JSONWebKeySet, type JWTPayload } from 'jose';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { listen } from '../../test/conformance/listen.ts';
import { stateless } from '../../test/conformance/mcp-client.ts';
import { createOpenGateway } from '../../test/conformance/open-gateway.ts';
import { sampleInput } from '../../test/fixtures/task.ts';
import { openHttpFront, openRawUpstream } from '../../test/harness/http-front.ts';
import type { TargetConfig } from '../config/config.ts';
import { stripOf } from '../credential/strip.ts';
import type { Exchange } from '../gateway/exchange.ts';
import { createInject } from '../gateway/http/inject.ts';
import { createAttributionVerifier, type AttributionResult } from '../verify/index.ts';
import { createTellTarget, type TellTarget } from './tell-target.ts';

const ISSUER = 'https://remit.example.test';
const NOW = Date.UTC(2026, 10, 23);
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

let sign: (typ: string, claims: JWTPayload) => Promise<string>;
let jwks: JSONWebKeySet;
let tell: TellTarget;
beforeAll(async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  sign = (typ, claims) => new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ, kid: 'k1' }).sign(privateKey);
  jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }] };
  tell = createTellTarget({ key: { sign }, issuer: ISSUER, clock: () => NOW, sha256 });
});

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

const input = sampleInput();
const exchange = {
  id: 'req_1',
  recordId: 'rec_1',
  action: input.action,
  chain: input.chain,
} as unknown as Exchange<unknown, unknown>;

function target(attribution: boolean, url = 'https://api.example.com', kind: 'mcp' | 'http' = 'http'): TargetConfig {
  return {
    name: 'billing',
    kind,
    upstream: { kind: 'http', url, headers: {}, private: true },
    sensitivity: 'internal',
    timeoutMs: 2000,
    maxAnswerBytes: 100_000,
    attribution,
    clientCapabilities: [],
    operations: {
      show: {
        effect: 'read',
        http: { method: 'GET', path: '/users', query: [], headers: ['remit-attribution'], body: 'none' },
      },
    },
  };
}

const verifier = (options: Partial<Parameters<typeof createAttributionVerifier>[0]> = {}) =>
  createAttributionVerifier({ issuer: ISSUER, target: 'billing', jwks, clock: () => NOW, ...options });

async function reasonOf(shown: Promise<AttributionResult>): Promise<string | null> {
  const result = await shown;
  return result.ok ? null : result.reason;
}

describe('what a target hears', () => {
  it('is who acts for whom, and which record permits it, for nobody but itself and for a minute', async () => {
    const { 'remit-attribution': header, traceparent } = await tell(exchange, target(true), null);
    expect(traceparent).toBe('00-cb596c9f86958dd86fbe7f17b8cab5af-8f07a802e5863463-03');
    const task = input.chain[0]!.task;
    expect(await verifier()(header)).toEqual({
      ok: true,
      attribution: {
        record: 'rec_1',
        subject: `${task.delegator.issuer}|${task.delegator.subject}`,
        agent: task.agent.id,
        actors: [{ sub: task.agent.id, iss: `spiffe://${task.agent.trustDomain}` }],
        task: task.id,
        transaction: task.id,
        operation: input.action.operation,
        effect: input.action.effect,
        issuedAt: NOW,
      },
    });
    expect(await reasonOf(verifier({ target: 'payroll' })(header))).toBe('`aud` is not accepted');
    expect(await reasonOf(verifier({ issuer: 'https://other.example' })(header))).toBe('`iss` is not accepted');
    expect(await reasonOf(verifier({ clock: () => NOW + 91_000 })(header))).toBe('the attribution has expired');
    expect(await reasonOf(verifier({ clock: () => NOW - 31_000 })(header))).toBe('`iat` is in the future');
  });

  it('holds no argument, token or key', async () => {
    const { 'remit-attribution': header } = await tell(exchange, target(true), null);
    const claims = JSON.parse(Buffer.from(header!.split('.')[1]!, 'base64url').toString()) as object;
    expect(Object.keys(claims).toSorted()).toEqual([
      'act',
      'aud',
      'effect',
      'exp',
      'iat',
      'iss',
      'jti',
      'operation',
      'sub',
      'task',
      'txn',
    ]);
  });

  it('is no attribution where the file of the target does not ask for one', async () => {
    expect(Object.keys(await tell(exchange, target(false), null))).toEqual(['traceparent']);
  });

  it.each([
    ['nothing', async () => null, 'there is no attribution'],
    ['what is no JWT', async () => 'a.b.c', 'the attribution is not signed by a key of the issuer'],
    ['what is very long', async () => 'a'.repeat(20_000), 'the attribution is too long'],
    ['an access token', () => sign('at+jwt', claimsOf()), '`typ` is not accepted'],
    [
      'one for this target and more',
      () => sign('remit-attribution+jwt', { ...claimsOf(), aud: ['billing', 'x'] }),
      '`aud` is not this target alone',
    ],
    [
      'one that lives long',
      () => sign('remit-attribution+jwt', { ...claimsOf(), exp: NOW / 1000 + 3600 }),
      '`exp` is further off than accepted',
    ],
    [
      'one without an agent',
      () => sign('remit-attribution+jwt', { ...claimsOf(), act: {} }),
      '`act.sub` is missing or is no text',
    ],
  ] as [string, () => Promise<string | null>, string][])('is not %s', async (_what, made, reason) => {
    expect(await reasonOf(verifier()(await made()))).toBe(reason);
  });

  it('is not verified with options that would check nothing', () => {
    expect(() => verifier({ issuer: 'http://remit.example.test' })).toThrow('`issuer` is not an https URL');
    expect(() => verifier({ target: '' })).toThrow('`target` is missing');
    expect(() => verifier({ skewSeconds: 600 })).toThrow('`skewSeconds`');
  });
});

describe('a gateway tells', () => {
  const caller = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const telling: TellTarget = (given, to, traceparent) => tell({ ...given, chain: [...input.chain] }, to, traceparent);

  it('an HTTP target, and what the agent says in its place is gone', async () => {
    const upstream = await openRawUpstream((_request, socket) => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
    closing.push(() => upstream.close());
    const front = await openHttpFront([target(true, upstream.url)], {
      hooks: {
        reveal: (departing) => departing,
        inject: createInject({ credential: () => null, readSecret: () => '', tellTarget: telling }),
        follow: () => undefined,
        reading: () => 'streamed',
        streamed: () => [],
        conceal: (answer) => answer,
        strip: stripOf,
      },
    });
    closing.push(() => front.close());
    await front.raw(
      `GET /http/billing/users HTTP/1.1\r\nHost: remit.example.test\r\nConnection: close\r\ntraceparent: ${caller}\r\ntracestate: a=b\r\nRemit-Attribution: forged\r\n\r\n`,
    );
    const sent = upstream.received[0]!;
    expect(/^traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-(?!00f067aa0ba902b7)[0-9a-f]{16}-01\r$/m.test(sent)).toBe(
      true,
    );
    expect(sent).not.toMatch(/tracestate|forged/);
    const header = /^remit-attribution: (.+)\r$/m.exec(sent)?.[1];
    expect(await verifier()(header)).toMatchObject({ ok: true, attribution: { operation: 'show' } });
  });

  it('an MCP server over HTTP', async () => {
    const seen: Headers[] = [];
    const front = await listen(async (request) => {
      const { id, method } = JSON.parse(await request.text()) as { id: unknown; method: string };
      if (method === 'tools/call') seen.push(request.headers);
      const tools = [{ name: 'show', inputSchema: { type: 'object' } }];
      const result = method === 'tools/list' ? { tools } : { content: [], resultType: 'complete' };
      return Response.json({ jsonrpc: '2.0', id, result });
    });
    closing.push(() => front.close());
    const made = createOpenGateway([target(true, `${front.url}/mcp`, 'mcp')], { tellTarget: telling });
    closing.push(() => made.gateway.close());
    await stateless(made.gateway, 'billing', 'tools/call', { name: 'show' });
    expect(seen[0]?.get('traceparent')).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-03$/);
    expect(await verifier()(seen[0]?.get('remit-attribution'))).toMatchObject({
      ok: true,
      attribution: { operation: 'show' },
    });
  });
});

function claimsOf(): JWTPayload {
  const iat = NOW / 1000;
  return {
    iss: ISSUER,
    aud: 'billing',
    jti: 'rec_1',
    iat,
    exp: iat + 60,
    sub: 'ada',
    task: 'tsk_1',
    txn: 'tsk_1',
    act: { sub: 'spiffe://a.example/agent', iss: 'spiffe://a.example' },
    operation: 'show',
    effect: 'read',
  };
}

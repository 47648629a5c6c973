import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createX509Authority, type X509Authority } from '../../test/fixtures/x509-authority.ts';
import { serveScriptedWorkloadApi, type ScriptedWorkloadApi } from '../../test/harness/workload-api.ts';
import { followTlsSvid } from '../server/tls-workload.ts';
import type { TlsIdentity } from '../server/tls-server.ts';
import { x509AuthoritiesOf, type BundleSource } from './trust-bundle.ts';
import { followWorkloadBundles } from './workload-bundles.ts';
import { openWorkloadStreams, type WorkloadStreams } from './workload-stream.ts';

let folder: string;
let socket: string;
let api: ScriptedWorkloadApi;
let streams: WorkloadStreams;
let problems: string[];
let authority: X509Authority;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'remit-wl-'));
  socket = join(folder, 's');
  problems = [];
  authority = await createX509Authority('spire', 'example.org');
  api = await serveScriptedWorkloadApi(socket);
  streams = openWorkloadStreams(`unix:${socket}`, (problem) => problems.push(problem));
});
afterEach(() => {
  streams.close();
  api.close();
  rmSync(folder, { recursive: true });
});

/** However busy the machine is. */
const eventually = <Value>(read: () => Value) => expect.poll(read, { timeout: 15_000 });

const jwks = (...keys: object[]) => Buffer.from(JSON.stringify({ keys }));
const sayX509 = (bundles: Record<string, Buffer>) => api.say('FetchX509Bundles', { bundles });
const sayJwt = (bundles: Record<string, Buffer>) => api.say('FetchJWTBundles', { bundles });
const kids = (source: BundleSource) => source.bundle().keys.flatMap(({ kid }) => (kid === undefined ? [] : [kid]));
const authorities = (source: BundleSource) => x509AuthoritiesOf(source.bundle()).map(({ node }) => node.raw);

describe('bundles of the Workload API', () => {
  let of: (trustDomain: string) => BundleSource;
  let ticks: number;

  beforeEach(async () => {
    ticks = 0;
    sayX509({ 'spiffe://example.org': authority.der });
    sayJwt({ 'spiffe://example.org': jwks({ kty: 'EC', kid: 'one' }) });
    of = followWorkloadBundles(streams, { ticks: () => ticks });
    await of('example.org').ready;
  });

  test('are by trust domain, and each key is for its own kind of SVID', async () => {
    const partner = await createX509Authority('partner', 'partner.test');
    sayX509({ 'spiffe://example.org': authority.der, 'spiffe://partner.test': partner.der });
    sayJwt({
      'spiffe://example.org': jwks(
        { kty: 'EC', kid: 'one', use: 'jwt-svid' },
        { kty: 'EC', kid: 'wit', use: 'wit-svid' },
      ),
      'spiffe://partner.test': jwks({ kty: 'EC', kid: 'theirs' }),
    });
    await eventually(() => kids(of('partner.test'))).toEqual(['theirs']);
    expect(kids(of('example.org'))).toEqual(['one']);
    await eventually(() => authorities(of('partner.test'))).toEqual([partner.der]);
    expect(authorities(of('example.org'))).toEqual([authority.der]);
    expect(of('other.test').bundle()).toEqual({ keys: [] });
    expect(
      of('example.org')
        .bundle()
        .keys.every(({ use }) => use === 'jwt-svid' || use === 'x509-svid'),
    ).toBe(true);
  });

  test('follow rotation, and lose what a message leaves out', async () => {
    const next = await createX509Authority('next', 'example.org');
    sayX509({ 'spiffe://example.org': Buffer.concat([authority.der, next.der]) });
    await eventually(() => authorities(of('example.org'))).toEqual([authority.der, next.der]);
    sayX509({ 'spiffe://partner.test': next.der });
    await eventually(() => authorities(of('example.org'))).toEqual([]);
    expect(kids(of('example.org'))).toEqual(['one']);
  });

  test('stay when a message is of no use, which is told of', async () => {
    sayJwt({ 'spiffe://example.org': Buffer.from('{"keys":') });
    sayX509({ 'spiffe://example.org': authority.der.subarray(0, 40) });
    await eventually(() => problems.length).toBe(2);
    expect(problems.join()).toMatch(/a message is of no use: .*is not JSON/);
    expect(problems.join()).toMatch(/a message is of no use: a certificate is cut/);
    expect(kids(of('example.org'))).toEqual(['one']);
    expect(authorities(of('example.org'))).toEqual([authority.der]);
  });

  test('stay while the agent is away, for a day, and are followed again when it is back', async () => {
    api.close();
    await eventually(() => problems.length).toBeGreaterThan(0);
    expect(kids(of('example.org'))).toEqual(['one']);
    ticks += 24 * 3_600_000 + 1;
    expect(of('example.org').bundle()).toEqual({ keys: [] });
    rmSync(socket, { force: true });
    api = await serveScriptedWorkloadApi(socket);
    sayX509({ 'spiffe://example.org': authority.der });
    sayJwt({ 'spiffe://example.org': jwks({ kty: 'EC', kid: 'two' }) });
    await eventually(() => kids(of('example.org'))).toEqual(['two']);
    // Told once for each stream, however often it was tried.
    expect(problems.length).toBeLessThanOrEqual(4);
  });

  test('stay for as long as the stream is there, however long it says nothing', () => {
    ticks = 1_000 * 24 * 3_600_000;
    expect(kids(of('example.org'))).toEqual(['one']);
  });

  test('are given up a minute after no identity is issued any longer, and taken again when one is', async () => {
    api.deny(true);
    await eventually(() => problems.length).toBe(2);
    ticks = 59_000;
    expect(kids(of('example.org'))).toEqual(['one']);
    ticks = 60_001;
    await eventually(() => of('example.org').bundle().keys).toEqual([]);
    api.deny(false);
    await eventually(() => kids(of('example.org'))).toEqual(['one']);
  });
});

describe('the TLS certificate of the Workload API', () => {
  const svidMessage = async (id: string, from: X509Authority = authority) => {
    const issued = await from.svid(id);
    const key = Buffer.from(issued.key.replace(/-----.*-----|\s/g, ''), 'base64');
    const bundle = authority.der;
    return { spiffe_id: id, x509_svid: Buffer.concat(issued.chain), x509_svid_key: key, bundle, hint: '' };
  };

  test('is the first SVID with its intermediates, and the next one when it comes', async () => {
    const below = await authority.intermediate('below');
    const first = await svidMessage('spiffe://example.org/remit', below);
    api.say('FetchX509SVID', { svids: [first, await svidMessage('spiffe://example.org/other')] });
    const presented: TlsIdentity[] = [];
    const identity = await followTlsSvid(streams, (next) => presented.push(next), 10_000);
    expect(identity.cert.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(presented).toEqual([identity]);
    api.say('FetchX509SVID', { svids: [await svidMessage('spiffe://example.org/remit')] });
    await eventually(() => presented.length).toBe(2);
    expect(presented[1]!.cert).not.toBe(identity.cert);
  });

  test('stays when a message is of no use', async () => {
    const good = await svidMessage('spiffe://example.org/remit');
    api.say('FetchX509SVID', { svids: [good] });
    const presented: TlsIdentity[] = [];
    await followTlsSvid(streams, (next) => presented.push(next), 10_000);
    const other = await svidMessage('spiffe://example.org/remit');
    for (const bad of [[], [{ ...good, x509_svid: Buffer.of(1) }], [{ ...good, x509_svid_key: other.x509_svid_key }]]) {
      api.say('FetchX509SVID', { svids: bad });
    }
    await eventually(() => problems.length).toBe(3);
    expect(presented).toHaveLength(1);
    // No problem quotes a key.
    expect(problems.join()).not.toContain(good.x509_svid_key.toString('base64').slice(60, 100));
  });

  test('is waited for, and missed', async () => {
    api.deny(true);
    await expect(followTlsSvid(streams, () => {}, 500)).rejects.toThrow('is Remit registered there?');
    expect(problems).toEqual([expect.stringContaining('has no identity for this process')]);
  });
});

import { expect, test } from 'vitest';
import { workloadIssuer } from '../../test/fixtures/workload-issuer.ts';
import { readWorkloadIssuers, workloadIssuerForm } from './workload-issuer.ts';

test('a rule is read with its defaults: one use, an hour, keys by discovery', () => {
  expect(workloadIssuer()).toMatchObject({
    keys: { issuer: 'https://ci.example.test' },
    maxAgeSeconds: 3600,
    reuse: 'never',
    claims: [
      ['owner', { is: 'acme' }],
      ['repository', { glob: 'acme/*' }],
    ],
    spiffeId: { trustDomain: 'ci.example' },
  });
  expect(workloadIssuer({ jwks_file: 'keys.json' }).keys).toEqual({
    file: expect.stringMatching(/^\/.*\/keys\.json$/),
  });
});

test.each([
  ['no rule', { claims: {}, spiffe_id: 'spiffe://ci.example/job' }, 'says whose tokens are taken'],
  ['a rule of stars alone', { claims: { repository: { glob: '**' } } }, 'says whose tokens are taken'],
  ['a placeholder that no rule checks', { spiffe_id: 'spiffe://ci.example/{ref}' }, 'uses `{ref}`'],
  ['a trust domain with SVIDs', { spiffe_id: 'spiffe://remit.local/{owner}' }, 'has SVIDs'],
  ['half a segment', { spiffe_id: 'spiffe://ci.example/x-{owner}' }, 'whole path segment'],
  ['a pointer that is none', { claims: { owner: 'acme', '/a~': 'x' } }, 'the claim `/a~`'],
  ['two places for keys', { jwks_uri: 'https://a.example/k', jwks_file: 'k' }, 'not both'],
])('%s is refused', (_name, overrides, message) => {
  // `repository` stays among the rules where the template needs it.
  expect(() => workloadIssuer(overrides)).toThrow(message);
});

test('a trust domain with SVIDs is taken when that is said', () => {
  const shared = { spiffe_id: 'spiffe://remit.local/ci/{owner}', shares_trust_domain: true };
  expect(workloadIssuer(shared).spiffeId.trustDomain).toBe('remit.local');
});

test.each([
  ['plain http', { issuer: 'http://ci.example.test' }],
  ['a query', { issuer: 'https://ci.example.test?x=1' }],
  ['credentials', { issuer: 'https://a:b@ci.example.test' }],
  ['another scheme', { issuer: 'file:///etc/passwd' }],
  ['keys over plain http', { jwks_uri: 'http://ci.example.test/jwks' }],
  ['a symmetric algorithm', { algorithms: ['HS256'] }],
  ['no algorithm', { algorithms: [] }],
  ['`none`', { algorithms: ['none'] }],
  ['no audience', { audience: '' }],
  ['an age of a week', { max_age_seconds: 604_800 }],
  ['a field that is not known', { audiences: ['x'] }],
])('%s is refused by the form', (_name, overrides) => {
  expect(() => workloadIssuer(overrides)).toThrow();
});

test('two issuers that could give one SPIFFE ID are refused', () => {
  const form = (issuer: string, spiffe_id: string) =>
    workloadIssuerForm.parse({
      issuer,
      audience: 'remit',
      algorithms: ['ES256'],
      claims: { owner: 'acme', name: { glob: '*' } },
      spiffe_id,
    });
  const read = (...ids: string[]) =>
    readWorkloadIssuers(
      'remit.yaml',
      ids.map((id, i) => form(`https://${i}.example`, id)),
      [],
    );
  expect(() => read('spiffe://a.example/x/{name}', 'spiffe://a.example/{name/}')).toThrow('could give one SPIFFE ID');
  expect(read('spiffe://a.example/x/{name}', 'spiffe://a.example/y/{name}')).toHaveLength(2);
});

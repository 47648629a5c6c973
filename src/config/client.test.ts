import { expect, test } from 'vitest';
import { workloadIssuer } from '../../test/fixtures/workload-issuer.ts';
import { clientForm, readClients } from './client.ts';

const GOOD = { spiffe_id: 'spiffe://ci.example/agent/deploy', algorithms: ['ES256'], jwks_file: 'deploy.json' };

function read(...entries: object[]) {
  return readClients(
    '/etc/remit/remit.yaml',
    entries.map((entry) => clientForm.parse(entry)),
    [workloadIssuer()],
  );
}

test('a client is a SPIFFE ID, algorithms, and where its public keys are', () => {
  const { jwks_file: _, ...elsewhere } = GOOD;
  expect(read(GOOD, { ...elsewhere, spiffe_id: 'spiffe://x.example/a', jwks_uri: 'https://x.example/jwks' })).toEqual([
    {
      id: 'spiffe://ci.example/agent/deploy',
      trustDomain: 'ci.example',
      algorithms: ['ES256'],
      keys: { file: '/etc/remit/deploy.json' },
    },
    {
      id: 'spiffe://x.example/a',
      trustDomain: 'x.example',
      algorithms: ['ES256'],
      keys: { uri: 'https://x.example/jwks' },
    },
  ]);
});

test.each([
  ['no SPIFFE ID', { spiffe_id: 'deploy' }, '`spiffe_id` does not start with'],
  ['a trust domain alone', { spiffe_id: 'spiffe://ci.example' }, 'add a path'],
  ['no keys', { jwks_file: undefined }, 'where its public keys are'],
  ['two places for keys', { jwks_uri: 'https://a.example/k' }, 'not both'],
  ['an id that a workload issuer may give', { spiffe_id: 'spiffe://ci.example/job/acme/web' }, 'could give the same'],
])('%s is refused', (_name, overrides, message) => {
  expect(() => read({ ...GOOD, ...overrides })).toThrow(message);
});

test('one name twice is refused', () => {
  expect(() => read(GOOD, GOOD)).toThrow('is named twice');
});

test.each([
  ['a symmetric algorithm', { algorithms: ['HS256'] }],
  ['no algorithm', { algorithms: [] }],
  ['none', { algorithms: ['none'] }],
  ['keys over plain http', { jwks_uri: 'http://ci.example/k' }],
  ['a client secret', { client_secret: 'hunter2' }],
])('%s has no place in the form', (_name, overrides) => {
  expect(clientForm.safeParse({ ...GOOD, ...overrides }).success).toBe(false);
});

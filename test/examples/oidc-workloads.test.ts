import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { readWorkloadIssuers, workloadIssuerForm } from '../../src/config/workload-issuer.ts';
import { createWorkloadTokenVerifier } from '../../src/identity/workload-token.ts';
import { NOW } from '../fixtures/task.ts';
import { signingKey } from '../fixtures/workload-issuer.ts';

/** Each example of docs/oidc-workloads.md, run against a token of that platform's shape and one of somebody else's. */

const SECONDS = NOW / 1000;
const AWS = 'https://sts.amazonaws.com/';
const awsClaims = (tags: object) => ({
  aws_account: '123456789012',
  source_region: 'eu-central-1',
  principal_tags: tags,
});
const kubernetes = (namespace: string, name: string) => ({
  sub: `system:serviceaccount:${namespace}:${name}`,
  nbf: SECONDS,
  'kubernetes.io': {
    namespace,
    node: { name: 'node-1', uid: 'a1' },
    pod: { name: `${name}-x7`, uid: 'b2' },
    serviceaccount: { name, uid: 'c3' },
  },
});
const github = (owner: string, id: string) => ({
  sub: `repo:${owner}/agents:ref:refs/heads/main`,
  repository: `${owner}/agents`,
  repository_owner: owner,
  repository_owner_id: id,
  ref: 'refs/heads/main',
  workflow_ref: `${owner}/agents/.github/workflows/run.yml@refs/heads/main`,
  runner_environment: 'github-hosted',
});
const gitlab = (path: string, id: string) => ({
  sub: `project_path:${path}:ref_type:branch:ref:main`,
  namespace_id: id,
  project_path: path,
  ref_protected: 'true',
  pipeline_source: 'push',
});
const google = (project: string) => ({
  sub: '112233445566778899001',
  azp: '112233445566778899001',
  email: `runner@${project}.iam.gserviceaccount.com`,
  email_verified: true,
});
const TENANT = '11111111-2222-3333-4444-555555555555';
const azure = (tid: string) => ({
  sub: 'b0b',
  oid: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
  tid,
  idtyp: 'app',
  ver: '2.0',
});

const PLATFORMS: Record<string, { good: object; bad: object; id: string; jti: boolean }> = {
  'Kubernetes service accounts': {
    good: kubernetes('agents', 'summariser'),
    bad: kubernetes('default', 'summariser'),
    id: 'spiffe://k8s.example/cluster-one/agents/summariser',
    jti: true,
  },
  'GitHub Actions': {
    good: github('acme', '65'),
    bad: github('acme', '66'),
    id: 'spiffe://ci.example/github/acme/agents',
    jti: true,
  },
  'GitLab CI': {
    good: gitlab('acme/tools/agents', '72'),
    bad: gitlab('acme/tools/agents', '73'),
    id: 'spiffe://gitlab.example/project/acme/tools/agents',
    jti: true,
  },
  'Google Cloud': {
    good: google('acme-agents'),
    bad: google('evil'),
    id: 'spiffe://gcp.example/service-account/112233445566778899001',
    jti: false,
  },
  Azure: {
    good: azure(TENANT),
    bad: azure('99999999-2222-3333-4444-555555555555'),
    id: 'spiffe://azure.example/identity/aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
    jti: false,
  },
  AWS: {
    good: { sub: 'arn:aws:iam::123456789012:role/agents/Runner', [AWS]: awsClaims({ agent: 'summariser' }) },
    bad: { sub: 'arn:aws:iam::123456789012:role/Runner', [AWS]: awsClaims({ agent: 'summariser' }) },
    id: 'spiffe://aws.example/agent/summariser',
    jti: true,
  },
};

const text = readFileSync(join(import.meta.dirname, '../../docs/oidc-workloads.md'), 'utf8');
const examples = [...text.matchAll(/^## ([^\n]+)\n(?:(?!^## )[\s\S])*?```yaml\n([\s\S]*?)```/gm)].map(
  ([, title, yaml]) => ({ title: title!, form: workloadIssuerForm.parse(parse(yaml!)) }),
);

test('every platform of the guide has its example, and together they are one configuration', () => {
  expect(examples.map(({ title }) => title)).toEqual(Object.keys(PLATFORMS));
  expect(
    readWorkloadIssuers(
      'remit.yaml',
      examples.map(({ form }) => form),
      ['prod.example'],
    ),
  ).toHaveLength(6);
});

test.each(examples)('$title', async ({ title, form }) => {
  const { good, bad, id, jti } = PLATFORMS[title]!;
  const alg = form.algorithms[0]!;
  const { key, jwk } = await signingKey('platform-key', alg);
  const fetched: string[] = [];
  const verifier = createWorkloadTokenVerifier({
    issuers: readWorkloadIssuers('remit.yaml', [form], []),
    clock: () => NOW,
    skewSeconds: 30,
    withGroups: (agent) => agent,
    bootedAt: NOW - 60_000,
    fetchJson: async (url) => {
      fetched.push(url);
      const discovered = { issuer: form.issuer, jwks_uri: `${new URL(form.issuer).origin}/keys` };
      return url.endsWith('/.well-known/openid-configuration') ? discovered : { keys: [jwk] };
    },
  });
  const sign = (claims: object) =>
    new SignJWT({
      iss: form.issuer,
      aud: form.audience,
      iat: SECONDS,
      exp: SECONDS + 600,
      ...(jti ? { jti: `${title}-${JSON.stringify(claims)}` } : {}),
      ...claims,
    })
      .setProtectedHeader({ alg, kid: 'platform-key', typ: 'JWT' })
      .sign(key);
  const shown = { key: 'key', request: 'req' };
  expect((await verifier.verify(await sign(good), shown)).agent).toMatchObject({ id, attestation: 'oidc' });
  await expect(verifier.verify(await sign(bad), shown)).rejects.toMatchObject({ code: 'invalid_token' });
  expect(fetched[0]).toBe(form.jwks_uri ?? `${form.issuer}/.well-known/openid-configuration`);
});

import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { InvalidConfig } from '../core/errors.ts';
import { approvalsForm, readApprovals } from './approvals.ts';
import { clientForm, readClients } from './client.ts';
import type { Config } from './config.ts';
import { encryptionForm, readEncryption } from './key-encryption.ts';
import { peopleForm, readPeopleProvider } from './people-provider.ts';
import { readTargetFile } from './target-file.ts';
import { readTls, tlsForm } from './tls.ts';
import { readTrustDomains, trustDomainForm } from './trust-domain.ts';
import { isLoopbackHttp } from './issuer-url.ts';
import { checkVaults, readVaults, vaultsForm } from './vaults.ts';
import { readWorkloadIssuers, workloadIssuerForm } from './workload-issuer.ts';
import { readYaml } from './yaml-file.ts';

const listenForm = z
  .string()
  .regex(/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5}$/, 'expected `host:port`, such as `127.0.0.1:7070`');

/** The form of `remit.yaml`. */
export const configForm = z.strictObject({
  server: z.strictObject({
    listen: listenForm,
    public_url: z.url({ protocol: /^https?$/ }).optional(),
    tls: tlsForm.optional(),
    max_body_bytes: z
      .number()
      .int()
      .min(1024)
      .default(4 * 1024 * 1024),
  }),
  data: z.string().min(1),
  policies: z.string().min(1),
  profiles: z.string().min(1).optional(),
  policy: z
    .strictObject({
      referee: z
        .strictObject({
          sample: z.number().min(0).max(1).default(0.01),
          queue: z.number().int().min(1).max(10_000).default(256),
        })
        .prefault({}),
    })
    .prefault({}),
  clock_skew_seconds: z.number().int().min(0).max(59).default(30),
  identity: z.strictObject({
    trust_domains: z.array(trustDomainForm).min(1),
    workload_issuers: z.array(workloadIssuerForm).default([]),
    clients: z.array(clientForm).default([]),
    people: z.array(peopleForm).min(1),
    groups: z
      .record(
        z.string().min(1).max(128),
        z.strictObject({ agents: z.array(z.string().startsWith('spiffe://')).default([]) }),
      )
      .optional(),
  }),
  token: z.strictObject({ lifetime_seconds: z.number().int().min(10).max(300).default(300) }).prefault({}),
  dpop: z.strictObject({ nonce: z.enum(['required', 'off']).default('off') }).prefault({}),
  keys: z
    .strictObject({
      rotate_every_days: z.number().int().min(1).max(365).default(30),
      publish_ahead_minutes: z.number().int().min(5).max(720).default(60),
      encryption: encryptionForm.optional(),
    })
    .prefault({}),
  agents: z.strictObject({ unregistered: z.enum(['allow', 'deny']).optional() }).prefault({}),
  revocations: z
    .strictObject({
      retain_hours: z
        .number()
        .min(1)
        .max(90 * 24)
        .default(7 * 24),
    })
    .prefault({}),
  tasks: z
    .strictObject({
      default_minutes: z.number().positive().default(15),
      max_minutes: z
        .number()
        .positive()
        .max(24 * 60)
        .default(240),
      default_calls: z.number().int().positive().default(1000),
      /** After so long without use a task ends by itself; 0 for never. */
      end_when_policy_forbids: z.boolean().default(true),
      idle_minutes: z
        .number()
        .min(0)
        .max(24 * 60)
        .default(15),
    })
    .prefault({}),
  approvals: approvalsForm,
  vaults: vaultsForm,
  targets: z.array(z.string().min(1)).min(1),
});

/** What the command line may set over the file. */
export type Overrides = { listen?: string; data?: string };

/**
 * Reads the configuration and its target files.
 *
 * @throws InvalidConfig with file, line, field and what is expected.
 */
export function readConfig(path: string, options: { dev: boolean; overrides?: Overrides }): Config {
  const file = resolve(path);
  const form = readYaml(file, configForm);
  const folder = dirname(file);
  const listen = listenForm.safeParse(options.overrides?.listen ?? form.server.listen);
  if (!listen.success) throw new InvalidConfig('--listen: expected `host:port`, such as `127.0.0.1:7070`');
  const { host, port } = splitListen(listen.data);
  const publicUrl = (
    form.server.public_url ?? defaultPublicUrl(file, host, port, form.server.tls !== undefined)
  ).replace(/\/+$/, '');
  checkPublicUrl(file, publicUrl, form.server.tls !== undefined);
  const dataDir = options.overrides?.data === undefined ? resolve(folder, form.data) : resolve(options.overrides.data);
  refuseDevParts(file, form, options.dev);
  const targets = form.targets.map((name) => readTargetFile(resolve(folder, name), dataDir));
  const vaults = readVaults(form.vaults, folder);
  checkVaults(file, vaults, targets);
  refuseDoubles(
    file,
    'target',
    targets.map((target) => target.name),
  );
  refuseDoubles(
    file,
    'trust domain',
    form.identity.trust_domains.map((domain) => domain.name),
  );
  refuseDoubles(
    file,
    'provider of people',
    form.identity.people.map((people) => ('dev' in people ? 'dev' : people.issuer)),
  );
  refuseDoubles(
    file,
    'workload issuer',
    form.identity.workload_issuers.map(({ issuer }) => issuer),
  );
  const workloadIssuers = readWorkloadIssuers(
    file,
    form.identity.workload_issuers,
    form.identity.trust_domains.map((domain) => domain.name),
  );
  return {
    file,
    server: {
      host,
      port,
      publicUrl,
      tls: readTls(file, form.server.tls),
      maxBodyBytes: form.server.max_body_bytes,
    },
    dataDir,
    policies: resolve(folder, form.policies),
    profiles: form.profiles === undefined ? null : resolve(folder, form.profiles),
    policy: form.policy,
    clockSkewSeconds: form.clock_skew_seconds,
    identity: {
      trustDomains: readTrustDomains(file, form.identity.trust_domains),
      workloadIssuers,
      clients: readClients(file, form.identity.clients, workloadIssuers),
      people: form.identity.people.map((people) => readPeopleProvider(people, publicUrl)),
      groups:
        form.identity.groups === undefined
          ? null
          : Object.fromEntries(Object.entries(form.identity.groups).map(([name, { agents }]) => [name, agents])),
    },
    token: { lifetimeSeconds: form.token.lifetime_seconds },
    dpop: form.dpop,
    keys: {
      rotateEveryMs: form.keys.rotate_every_days * 24 * 60 * 60_000,
      publishAheadMs: form.keys.publish_ahead_minutes * 60_000,
      encryption: form.keys.encryption === undefined ? null : readEncryption(form.keys.encryption, folder),
    },
    // With development identities anybody can be any agent: there is nobody to keep out.
    agents: { unregistered: form.agents.unregistered ?? (options.dev ? 'allow' : 'deny') },
    revocations: { retainMs: form.revocations.retain_hours * 60 * 60_000 },
    tasks: {
      maxLifetimeSeconds: form.tasks.max_minutes * 60,
      defaultLifetimeSeconds: Math.min(form.tasks.default_minutes, form.tasks.max_minutes) * 60,
      defaultCalls: form.tasks.default_calls,
      endWhenPolicyForbids: form.tasks.end_when_policy_forbids,
      idleMs: form.tasks.idle_minutes === 0 ? null : form.tasks.idle_minutes * 60_000,
    },
    approvals: readApprovals(form.approvals, { file, dev: options.dev }),
    vaults,
    targets,
  };
}

function splitListen(listen: string): { host: string; port: number } {
  const colon = listen.lastIndexOf(':');
  const port = Number(listen.slice(colon + 1));
  if (port > 65_535) throw new InvalidConfig(`\`server.listen\`: port ${port} does not exist; use 1 to 65535`);
  return { host: listen.slice(0, colon).replace(/^\[|\]$/g, ''), port };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function defaultPublicUrl(file: string, host: string, port: number, tls: boolean): string {
  if (isLoopback(host)) return `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  throw new InvalidConfig(
    `${file}: \`server.public_url\`: is required when \`server.listen\` is not a loopback address`,
  );
}

/** Tokens and proofs over a network need TLS; it ends here or at a proxy in front, so the public URL must say https. */
function checkPublicUrl(file: string, publicUrl: string, tls: boolean): void {
  const url = new URL(publicUrl);
  if (tls && url.protocol !== 'https:') {
    throw new InvalidConfig(`${file}: \`server.public_url\`: expected https, since \`server.tls\` is set`);
  }
  const plain = url.protocol === 'http:' && !isLoopback(url.hostname.replace(/^\[|\]$/g, ''));
  if (plain)
    throw new InvalidConfig(`${file}: \`server.public_url\`: expected https for an address that is not loopback`);
  if (url.search !== '' || url.hash !== '' || url.pathname !== '/') {
    throw new InvalidConfig(`${file}: \`server.public_url\`: expected an origin without path, query or fragment`);
  }
}

function refuseDevParts(file: string, form: z.output<typeof configForm>, dev: boolean): void {
  if (dev) return;
  if (form.identity.trust_domains.some((domain) => domain.bundle === 'dev')) {
    throw new InvalidConfig(
      `${file}: \`identity.trust_domains\`: the development authority needs --dev; name a bundle file`,
    );
  }
  if (form.identity.people.some((people) => 'dev' in people)) {
    throw new InvalidConfig(`${file}: \`identity.people\`: the development provider needs --dev; name an issuer`);
  }
  const providers = form.identity.people.flatMap((people) => ('dev' in people ? [] : [people]));
  const issuers = [...form.identity.workload_issuers, ...providers];
  const urls = [
    ...issuers.map(({ issuer }) => issuer),
    ...[...issuers, ...form.identity.clients].flatMap(({ jwks_uri: keys }) => keys ?? []),
  ];
  const plain = urls.find(isLoopbackHttp);
  if (plain !== undefined) throw new InvalidConfig(`${file}: \`${plain}\`: plain http needs --dev; name an https URL`);
}

function refuseDoubles(file: string, what: string, names: readonly string[]): void {
  const twice = names.find((name, place) => names.indexOf(name) !== place);
  if (twice !== undefined) throw new InvalidConfig(`${file}: ${what} \`${twice}\` is named twice`);
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentRegistry } from '../agent/registry.ts';
import type { Config } from '../config/config.ts';
import { InvalidConfig } from '../core/errors.ts';
import { createAgentGroups, type WithGroups } from '../identity/agent-groups.ts';
import { startDevAuthority, type DevAuthority } from '../identity/dev/authority.ts';
import { createClientAssertionVerifier, type ClientAssertionVerifier } from '../identity/client-assertion.ts';
import { createDpopVerifier, type DpopVerifier } from '../identity/dpop.ts';
import { createDpopNonces } from '../identity/dpop-nonce.ts';
import { createIdJagVerifier, type IdJagVerifier } from '../identity/id-jag.ts';
import { createIdTokenVerifier, type IdTokenVerifier } from '../identity/id-token.ts';
import { publicKeys } from '../identity/key-set.ts';
import { createSvidVerifier, type SvidVerifier } from '../identity/jwt-svid.ts';
import type { TrustBundles } from '../identity/trust-bundle.ts';
import { createWorkloadTokenVerifier, type WorkloadTokenVerifier } from '../identity/workload-token.ts';
import { createX509SvidVerifier, type X509SvidVerifier } from '../identity/x509-svid.ts';

/** What proves who calls. */
export type Identity = {
  dpop: DpopVerifier;
  svids: SvidVerifier;
  x509Svids: X509SvidVerifier;
  workloadTokens: WorkloadTokenVerifier;
  clientAssertions: ClientAssertionVerifier;
  idTokens: IdTokenVerifier;
  idJags: IdJagVerifier;
  withGroups: WithGroups;
};

export function openIdentity(
  config: Config,
  parts: { bundles: TrustBundles; registry: Pick<AgentRegistry, 'describe'>; clock: () => number; bootedAt: number },
): Identity {
  const { bundles, registry, clock, bootedAt } = parts;
  const skewSeconds = config.clockSkewSeconds;
  const groupsOf = createAgentGroups(config.identity.groups ?? {});
  const withGroups: WithGroups = (agent) => registry.describe(groupsOf(agent));
  for (const { keys } of [...config.identity.workloadIssuers, ...config.identity.clients])
    if ('file' in keys) checkKeyFile(keys.file);
  return {
    withGroups,
    dpop: createDpopVerifier({
      clock,
      skewSeconds,
      bootedAt,
      ...(config.dpop.nonce === 'off' ? {} : { nonces: createDpopNonces({ clock }) }),
    }),
    svids: createSvidVerifier({ bundles, clock, skewSeconds, withGroups }),
    x509Svids: createX509SvidVerifier({ bundles, clock, skewSeconds, withGroups }),
    workloadTokens: createWorkloadTokenVerifier({
      issuers: config.identity.workloadIssuers,
      clock,
      skewSeconds,
      withGroups,
      bootedAt,
    }),
    clientAssertions: createClientAssertionVerifier({
      clients: config.identity.clients,
      issuer: config.server.publicUrl,
      clock,
      skewSeconds,
      withGroups,
      bootedAt,
    }),
    idTokens: createIdTokenVerifier({ providers: config.identity.people, clock, skewSeconds }),
    idJags: createIdJagVerifier({
      providers: config.identity.people,
      issuer: config.server.publicUrl,
      clock,
      skewSeconds,
    }),
  };
}

/** A file that no key can come from is told of at the start, and not at the first token. */
function checkKeyFile(file: string): void {
  try {
    if (publicKeys(JSON.parse(readFileSync(file, 'utf8'))).keys.length > 0) return;
  } catch (cause) {
    throw new InvalidConfig(`${file}: expected a JWK Set (\`jwks_file\` of a workload issuer)`, { cause });
  }
  throw new InvalidConfig(`${file}: has no public key (\`jwks_file\` of a workload issuer)`);
}

/** The development authority, where a trust domain of the configuration is its. */
export async function startAuthority(config: Config, clock: () => number): Promise<DevAuthority | undefined> {
  const domain = config.identity.trustDomains.find(({ bundle }) => 'dev' in bundle);
  if (domain === undefined) return undefined;
  return startDevAuthority({ dir: join(config.dataDir, 'dev'), trustDomain: domain.name, clock });
}

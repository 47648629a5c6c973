/** The credentials of targets, from where their secrets are kept. */
import type { Config } from '../config/config.ts';
import { placesIn } from '../config/secret-place.ts';
import { createCredential, type MadeCredential } from '../credential/create.ts';
import type { Credential } from '../credential/credential.ts';
import { createKeptSecrets, createSecretReader, type KeptSecrets } from '../credential/kept-secrets.ts';
import { consentedTargets, createConsents, type Consents } from '../credential/oauth/consents.ts';
import { createTargetTokens, type TargetTokens } from '../credential/oauth/ending.ts';
import { createResealing } from '../credential/reseal.ts';
import { createSecrets } from '../credential/secrets.ts';
import { createVault } from '../credential/vault.ts';
import type { SealingKeys } from '../keys/sealing-keys.ts';
import type { SealedStore } from '../store/ports.ts';
import type { AuthorizeParts } from '../task/authorize.ts';
import type { TokenKey } from '../token/signing-key.ts';

export type OpenCredentials = {
  /** Of a target by its name; `null` when it has none. */
  of(target: string): Credential | null;
  kept: KeptSecrets;
  consents: Consents;
  /** What tasks have at targets' own authorisation servers. */
  tokens: TargetTokens;
};

export type CredentialWiring = {
  decided: AuthorizeParts;
  store: SealedStore;
  /** Of all that the database keeps sealed. */
  keys: SealingKeys;
  key: TokenKey;
  isLive: (task: string) => boolean;
  env: Record<string, string | undefined>;
  onProblem: (error: unknown, about: string) => void;
};

export function openCredentials(config: Config, wiring: CredentialWiring): OpenCredentials {
  const { decided, store, keys, env, key, onProblem } = wiring;
  const { clock, newId } = decided;
  const resealing = createResealing({ store, keys, log: decided.log });
  // Those keys are kept until it is through.
  resealing.goOn().then(
    ({ unreadable }) => {
      if (unreadable.length > 0) onProblem(unreadable, 'these sealed values do not open; no key is forgotten');
    },
    (error: unknown) => onProblem(error, 'what is kept encrypted is not all sealed with the current key'),
  );
  const own = { env, store: createSecretReader({ store, keys }), clock };
  // What is shown to a vault is in none.
  const outside = createSecrets({ ...own, vaults: new Map() });
  const vaults = new Map(config.vaults.map((vault) => [vault.name, createVault(vault, { secrets: outside })]));
  const secrets = createSecrets({ ...own, vaults });
  const made = new Map<string, MadeCredential>();
  const sealed = { store, keys };
  const requestOf = (target: string) => {
    const credential = config.targets.find(({ name }) => name === target)?.credential;
    return credential !== undefined && 'tokenUrl' in credential ? credential : undefined;
  };
  const tokens = createTargetTokens({
    ...sealed,
    secrets,
    clock,
    requestOf,
    drop: (task) => made.forEach(({ drop }) => drop(task)),
    onProblem,
  });
  for (const { name, credential } of config.targets) {
    if (credential === undefined) continue;
    const parts = {
      ...sealed,
      secrets,
      clock,
      newId,
      issuer: config.server.publicUrl,
      sign: (typ: string, claims: Record<string, unknown>) => key.sign(typ, claims),
      isLive: wiring.isLive,
      // A failure is on record as a problem, and what is left is revoked by the next start.
      onLate: (task: string) => void tokens.end(task),
    };
    made.set(name, createCredential(credential, name, parts));
  }
  // Of tasks whose end the last process did not live to see through, or learnt of too late.
  for (const { task } of store.sealedValues('task_token'))
    if (task !== null && !wiring.isLive(task)) void tokens.end(task);
  const usedBy = (name: string) =>
    config.targets
      .filter(({ credential }) =>
        placesIn(credential).some((place) => 'fromStore' in place && place.fromStore === name),
      )
      .map((target) => target.name);
  return {
    of: (target) => made.get(target)?.credential ?? null,
    kept: createKeptSecrets({ ...decided, store, keys, resealing, usedBy }),
    consents: createConsents({
      ...decided,
      ...sealed,
      secrets,
      configs: consentedTargets(config.targets),
      forget: (target, delegator) => made.get(target)?.forget(delegator),
    }),
    tokens,
  };
}

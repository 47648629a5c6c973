/** The credentials of targets, from where their secrets are kept. */
import type { Config } from '../config/config.ts';
import { createCredential } from '../credential/create.ts';
import type { Credential } from '../credential/credential.ts';
import { createSecrets } from '../credential/secrets.ts';

export type OpenCredentials = {
  /** Of a target by its name; `null` when it has none. */
  of(target: string): Credential | null;
};

export function openCredentials(
  config: Config,
  { env, clock }: { env: Record<string, string | undefined>; clock: () => number },
): OpenCredentials {
  const secrets = createSecrets({ env, store: { open: async () => null }, vaults: new Map(), clock });
  const credentials = new Map(
    config.targets.flatMap(({ name, credential }) =>
      credential === undefined ? [] : [[name, createCredential(credential, { secrets })] as const],
    ),
  );
  return { of: (target) => credentials.get(target) ?? null };
}

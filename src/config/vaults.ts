import { z } from 'zod';
import { InvalidConfig } from '../core/errors.ts';
import type { TargetConfig } from './config.ts';
import { issuerUrl } from './issuer-url.ts';
import { nameOfPlace, placesIn, readPlace, secretPlaceForm, type SecretPlace } from './secret-place.ts';

/** A vault of somebody else that secrets are read from: HashiCorp Vault or OpenBao, its KV engine of version 2. */
export type VaultConfig = {
  name: string;
  /** Without a trailing slash. */
  address: string;
  /** What Remit shows the vault: a file that an agent of the vault renews is read anew at each use. */
  token: SecretPlace;
  namespace: string | null;
};

/** The form of `vaults`. */
export const vaultsForm = z
  .record(
    z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'expected a name of a-z, 0-9 and -, starting with a letter'),
    z.strictObject({
      address: issuerUrl,
      token: secretPlaceForm.refine((place) => !('from_vault' in place), 'expected a place outside of the vault'),
      namespace: z
        .string()
        .regex(/^[A-Za-z0-9_./-]+$/, 'expected the path of a namespace')
        .optional(),
    }),
  )
  .default({});

/** @param folder of the configuration, which relative paths start from. */
export function readVaults(form: z.output<typeof vaultsForm>, folder: string): VaultConfig[] {
  return Object.entries(form).map(([name, { address, token, namespace }]) => ({
    name,
    address: address.replace(/\/+$/, ''),
    token: readPlace(token, folder),
    namespace: namespace ?? null,
  }));
}

/** @throws InvalidConfig when a target's credential is in a vault that is not there. */
export function checkVaults(file: string, vaults: readonly VaultConfig[], targets: readonly TargetConfig[]): void {
  for (const { name, credential } of targets) {
    for (const place of placesIn(credential)) {
      if (!('fromVault' in place) || vaults.some((vault) => vault.name === place.fromVault.vault)) continue;
      throw new InvalidConfig(
        `${file}: target \`${name}\` reads \`${nameOfPlace(place)}\`, and there is no such vault; name it under \`vaults\``,
      );
    }
  }
}

import { z } from 'zod';
import type { VaultConfig } from '../config/vaults.ts';
import { CredentialUnavailable } from '../core/errors.ts';
import { readBoundedJson } from '../identity/bounded-json.ts';
import type { Secrets, SecretVault } from './secrets.ts';

const MAX_ANSWER = 256 * 1024;
const NOTHING = new Blob([]).stream();

const answerForm = z.object({
  data: z.object({
    data: z.record(z.string(), z.unknown()),
    metadata: z.object({ version: z.number().int() }),
  }),
});

/**
 * The KV engine, version 2, of HashiCorp Vault and OpenBao: `GET /v1/<mount>/data/<path>`. The first part of the path is
 * where the engine is mounted.
 */
export function createVault(
  { address, token, namespace }: Omit<VaultConfig, 'name'>,
  { secrets }: { secrets: Secrets },
): SecretVault {
  return {
    read: async ({ path, field }, signal) => {
      const shown = await secrets.read(token, signal).catch((error: unknown) => {
        throw new Error(`its token: ${error instanceof CredentialUnavailable ? error.detail : 'unknown error'}`);
      });
      const [mount = '', ...rest] = path.split('/').map(encodeURIComponent);
      const response = await fetch(`${address}/v1/${mount}/data/${rest.join('/')}`, {
        redirect: 'manual',
        signal,
        headers: {
          'x-vault-token': shown.value,
          'x-vault-request': 'true',
          ...(namespace === null ? {} : { 'x-vault-namespace': namespace }),
        },
      }).catch(() => {
        throw new Error('the vault cannot be reached, or is too slow');
      });
      if (response.status !== 200) {
        // The next one may be renewed already.
        if (response.status === 403) secrets.forget(token);
        await response.body?.cancel();
        throw new Error(`the vault ${WHY[response.status] ?? `answered with status ${response.status}`}`);
      }
      // INVARIANT 14: what fails to be read may be quoted by the error, so it goes no further.
      const body = await readBoundedJson(response.body ?? NOTHING, MAX_ANSWER).catch(() => null);
      const { data } = answerForm.safeParse(body);
      const value = data?.data.data[field];
      if (data === undefined) throw new Error('the vault answered with no secret of a KV engine of version 2');
      if (typeof value !== 'string') throw new Error('the secret has no such field, or it is no text');
      return { value, version: String(data.data.metadata.version) };
    },
  };
}

const WHY: Readonly<Record<number, string>> = {
  403: 'does not let remit read it',
  404: 'has no such secret, or its version was deleted',
  503: 'is sealed',
};

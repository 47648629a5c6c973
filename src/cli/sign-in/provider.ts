import * as oidc from 'openid-client';
import { z } from 'zod';
import { printable } from '../../audit/record-text.ts';
import { isLoopbackHttp, issuerUrl } from '../../config/issuer-url.ts';
import { InvalidRequest, InvalidToken, Unavailable, type RemitError } from '../../core/errors.ts';
import { fetchJsonOverHttp } from '../../identity/fetch-json.ts';

/** A provider that a Remit takes people of, as it says itself. */
export type Provider = {
  issuer: string;
  client_id: string;
  scopes: string[];
  acr_values?: string[] | undefined;
  max_age?: number | undefined;
};

const documentForm = z.object({
  issuer: z.string(),
  people: z.array(
    z.object({
      issuer: issuerUrl,
      client_id: z.string().min(1),
      scopes: z.array(z.string()),
      acr_values: z.array(z.string()).optional(),
      max_age: z.number().int().positive().optional(),
    }),
  ),
});

/**
 * The provider to sign in with at a Remit: the only one, or the one named.
 *
 * @throws Unavailable, and InvalidRequest when that is no Remit, or several providers leave a choice.
 */
export async function findProvider(remitUrl: string, wanted: string | undefined): Promise<Provider> {
  // What comes from here decides who gets to see a sign-in.
  if (!remitUrl.startsWith('https://') && !isLoopbackHttp(remitUrl)) {
    throw new InvalidRequest(`\`${remitUrl}\`: sign in over https only`);
  }
  const document = await fetchJsonOverHttp(`${remitUrl}/.well-known/remit-configuration`).catch((cause: unknown) => {
    throw new Unavailable(`Remit cannot be reached at \`${remitUrl}\`; is it running?`, { cause });
  });
  const parsed = documentForm.safeParse(document);
  if (!parsed.success) throw new InvalidRequest(`\`${remitUrl}\` does not say where to sign in; is it a Remit?`);
  const { issuer, people } = parsed.data;
  if (issuer !== remitUrl) throw new InvalidRequest(`\`${remitUrl}\` calls itself \`${printable(issuer)}\`; use that`);
  const found = wanted === undefined ? people : people.filter((provider) => provider.issuer === wanted);
  if (found.length === 1) return found[0]!;
  const names = people.map((provider) => `\`${printable(provider.issuer)}\``).join(', ');
  throw new InvalidRequest(`choose where to sign in with --issuer: ${names}`);
}

const TIMEOUT_SECONDS = 15;

/** The provider's metadata, and us as its client: public, with verified signatures. @throws Unavailable */
export async function openProvider(provider: Pick<Provider, 'issuer' | 'client_id'>): Promise<oidc.Configuration> {
  const execute = [oidc.enableNonRepudiationChecks];
  if (isLoopbackHttp(provider.issuer)) execute.push(oidc.allowInsecureRequests);
  try {
    return await oidc.discovery(new URL(provider.issuer), provider.client_id, undefined, oidc.None(), {
      execute,
      timeout: TIMEOUT_SECONDS,
    });
  } catch (cause) {
    throw new Unavailable(`the identity provider \`${provider.issuer}\` cannot be reached`, { cause });
  }
}

/** What a provider's refusal means to whoever signs in, in one line and without a token. */
export function signInError(issuer: string, cause: unknown): RemitError {
  const refused = cause instanceof oidc.ResponseBodyError || cause instanceof oidc.AuthorizationResponseError;
  if (!refused) return new InvalidToken(`the sign-in at \`${issuer}\` is not valid; start again`, { cause });
  const why = printable(cause.error_description ?? cause.error);
  return new InvalidToken(`\`${issuer}\` does not sign you in: ${why}`, { cause });
}

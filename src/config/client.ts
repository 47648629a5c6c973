import { resolve } from 'node:path';
import { z } from 'zod';
import { InvalidConfig } from '../core/errors.ts';
import { parseWorkloadId } from '../core/spiffe-id.ts';
import { parseSpiffeTemplate, templatesMayMeet } from '../core/spiffe-template.ts';
import type { OAuthClient, WorkloadIssuer } from './identity-config.ts';
import { issuerUrl } from './issuer-url.ts';

/** RFC 7523, by public keys alone: what is symmetric would be a client secret. */
// oxfmt-ignore
export const CLIENT_ALGORITHMS = [
  'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512',
] as const;

/** The form of one entry of `identity.clients`. */
export const clientForm = z.strictObject({
  spiffe_id: z.string(),
  algorithms: z.array(z.enum(CLIENT_ALGORITHMS)).min(1),
  jwks_uri: issuerUrl.optional(),
  jwks_file: z.string().min(1).optional(),
});

/**
 * The clients of a configuration that sign assertions with keys of their own.
 *
 * @throws InvalidConfig when an id is none, is named twice, or a workload issuer could vouch for it too.
 */
export function readClients(
  file: string,
  forms: readonly z.output<typeof clientForm>[],
  issuers: readonly WorkloadIssuer[],
): OAuthClient[] {
  const seen = new Set<string>();
  return forms.map((form) => {
    const fail = (problem: string): never => {
      throw new InvalidConfig(`${file}: \`identity.clients\`: \`${form.spiffe_id}\`: ${problem}`);
    };
    const parsed = parseWorkloadId(form.spiffe_id);
    if ('problem' in parsed) return fail(`\`spiffe_id\` ${parsed.problem}`);
    if (seen.size === seen.add(parsed.id).size) fail('is named twice');
    // INVARIANT 1: one name, one way to prove it.
    const template = parseSpiffeTemplate(parsed.id);
    const other = issuers.find(({ spiffeId }) => 'problem' in template || templatesMayMeet(spiffeId, template));
    if (other !== undefined) fail(`the workload issuer \`${other.issuer}\` could give the same SPIFFE ID`);
    if (form.jwks_uri !== undefined && form.jwks_file !== undefined) fail('name `jwks_uri` or `jwks_file`, not both');
    if (form.jwks_file !== undefined) {
      return {
        id: parsed.id,
        trustDomain: parsed.trustDomain,
        algorithms: form.algorithms,
        keys: { file: resolve(file, '..', form.jwks_file) },
      };
    }
    if (form.jwks_uri === undefined) return fail('name where its public keys are: `jwks_uri` or `jwks_file`');
    return {
      id: parsed.id,
      trustDomain: parsed.trustDomain,
      algorithms: form.algorithms,
      keys: { uri: form.jwks_uri },
    };
  });
}

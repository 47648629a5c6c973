import { z } from 'zod';
import { claimNameProblem } from '../core/claim.ts';
import type { PeopleProvider } from './identity-config.ts';
import { issuerUrl } from './issuer-url.ts';

const scope = z
  .string()
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'expected a scope: printable characters without space, `"` and `\\`');

/** The form of one entry of `identity.people`. */
export const peopleForm = z.union([
  z.strictObject({ dev: z.literal(true) }),
  z.strictObject({
    issuer: issuerUrl,
    client_id: z.string().min(1),
    jwks_uri: issuerUrl.optional(),
    scopes: z
      .array(scope)
      .refine((scopes) => scopes.includes('openid'), 'expected `openid` among the scopes')
      .default(['openid', 'profile', 'email']),
    groups_claim: z
      .string()
      .refine((name) => claimNameProblem(name) === null, 'expected a claim name or a JSON Pointer')
      .default('groups'),
    required_acr: z.array(z.string().min(1)).min(1).optional(),
    max_auth_age_seconds: z.number().int().positive().optional(),
    identity_assertions: z.enum(['accepted', 'refused']).default('refused'),
  }),
]);

/** An entry as the provider that it names; the development provider is at `publicUrl`. */
export function readPeopleProvider(form: z.output<typeof peopleForm>, publicUrl: string): PeopleProvider {
  if ('dev' in form) {
    const issuer = `${publicUrl}/dev/idp`;
    return {
      issuer,
      clientId: 'remit',
      keys: { issuer },
      scopes: ['openid', 'profile', 'email', 'groups'],
      groupsClaim: 'groups',
      requiredAcr: null,
      maxAuthAgeSeconds: null,
      identityAssertions: false,
      dev: true,
    };
  }
  return {
    issuer: form.issuer,
    clientId: form.client_id,
    keys: form.jwks_uri === undefined ? { issuer: form.issuer } : { uri: form.jwks_uri },
    scopes: form.scopes,
    groupsClaim: form.groups_claim,
    requiredAcr: form.required_acr ?? null,
    maxAuthAgeSeconds: form.max_auth_age_seconds ?? null,
    identityAssertions: form.identity_assertions === 'accepted',
    dev: false,
  };
}

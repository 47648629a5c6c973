import { resolve } from 'node:path';
import { z } from 'zod';
import { claimNameProblem, claimRuleNarrows, type ClaimRule } from '../core/claim.ts';
import { InvalidConfig } from '../core/errors.ts';
import { parseSpiffeTemplate, templateClaims, templatesMayMeet, type SpiffeTemplate } from '../core/spiffe-template.ts';
import type { WorkloadIssuer } from './identity-config.ts';
import { issuerUrl } from './issuer-url.ts';

// oxfmt-ignore
const ALGORITHMS = [
  'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519',
] as const;

const ruleForm = z.union([z.string(), z.number(), z.boolean(), z.strictObject({ glob: z.string().min(1) })], {
  error: 'expected the exact value, or `{ glob: … }`',
});

/** The form of one entry of `identity.workload_issuers`. Nothing that concerns security has a default. */
export const workloadIssuerForm = z.strictObject({
  issuer: issuerUrl,
  audience: z.string().min(1),
  algorithms: z.array(z.enum(ALGORITHMS)).min(1),
  jwks_uri: issuerUrl.optional(),
  jwks_file: z.string().min(1).optional(),
  claims: z.record(z.string(), ruleForm),
  spiffe_id: z.string(),
  max_age_seconds: z.number().int().min(60).max(86_400).default(3600),
  reuse: z.enum(['never', 'same_key']).default('never'),
  shares_trust_domain: z.boolean().default(false),
});

/**
 * The workload issuers of a configuration.
 *
 * @throws InvalidConfig when a rule is open, or two could give one identity.
 */
export function readWorkloadIssuers(
  file: string,
  forms: readonly z.output<typeof workloadIssuerForm>[],
  trustDomains: readonly string[],
): WorkloadIssuer[] {
  const issuers = forms.map((form): WorkloadIssuer => {
    const fail = (problem: string): never => {
      throw new InvalidConfig(`${file}: \`identity.workload_issuers\`: \`${form.issuer}\`: ${problem}`);
    };
    const claims = Object.entries(form.claims).map(([claim, rule]): [string, ClaimRule] => {
      const problem = claimNameProblem(claim);
      if (problem !== null) fail(`the claim \`${claim}\` ${problem}`);
      return [claim, typeof rule === 'object' ? rule : { is: rule }];
    });
    if (!claims.some(([, rule]) => claimRuleNarrows(rule))) {
      fail('no rule of `claims` says whose tokens are taken; name an owner, a project, an account or a cluster');
    }
    const template = parseSpiffeTemplate(form.spiffe_id);
    if ('problem' in template) return fail(`\`spiffe_id\` ${template.problem}`);
    const open = templateClaims(template).find((claim) => !claims.some(([name]) => name === claim));
    if (open !== undefined) fail(`\`spiffe_id\` uses \`{${open}}\`, which no rule of \`claims\` checks`);
    if (trustDomains.includes(template.trustDomain) && !form.shares_trust_domain) {
      fail(
        `the trust domain \`${template.trustDomain}\` has SVIDs; choose another, or say \`shares_trust_domain: true\``,
      );
    }
    if (form.jwks_uri !== undefined && form.jwks_file !== undefined) fail('name `jwks_uri` or `jwks_file`, not both');
    return {
      issuer: form.issuer,
      audience: form.audience,
      algorithms: form.algorithms,
      keys:
        form.jwks_file !== undefined
          ? { file: resolve(file, '..', form.jwks_file) }
          : form.jwks_uri !== undefined
            ? { uri: form.jwks_uri }
            : { issuer: form.issuer },
      claims,
      spiffeId: template,
      maxAgeSeconds: form.max_age_seconds,
      reuse: form.reuse,
    };
  });
  refuseMeeting(file, issuers);
  return issuers;
}

/** INVARIANT 1: one name, one issuer that can vouch for it. */
function refuseMeeting(file: string, issuers: readonly { issuer: string; spiffeId: SpiffeTemplate }[]): void {
  for (const [place, one] of issuers.entries()) {
    const other = issuers.slice(place + 1).find(({ spiffeId }) => templatesMayMeet(one.spiffeId, spiffeId));
    if (other === undefined) continue;
    throw new InvalidConfig(
      `${file}: \`identity.workload_issuers\`: \`${one.issuer}\` and \`${other.issuer}\` could give one SPIFFE ID; ` +
        'start their paths with different words',
    );
  }
}

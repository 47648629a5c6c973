import { resolve } from 'node:path';
import { z } from 'zod';
import { InvalidConfig } from '../core/errors.ts';
import { parseSpiffeId, parseWorkloadId } from '../core/spiffe-id.ts';
import type { TrustDomain } from './identity-config.ts';

/** SPIFFE Federation, sections 5.2.1.1 and 5.2.2.1. */
const endpointUrl = z
  .url({ protocol: /^https$/, error: 'expected the https URL of a bundle endpoint' })
  .refine((url) => !URL.canParse(url) || new URL(url).username + new URL(url).password === '', {
    error: 'expected a URL without user information',
  });

/** The form of `SPIFFE_ENDPOINT_SOCKET` (SPIFFE Workload Endpoint, section 4); over TCP nobody would be attested. */
export const workloadEndpoint = z.string().regex(/^unix:(\/\/)?\/[^?#]+$/, 'expected `unix://` and an absolute path');

const SOURCES =
  'expected `dev`, or one of `file`, `https_web`, `https_spiffe` and `workload_api`: where the keys of this trust domain come from';

export const trustDomainForm = z.strictObject({
  name: z.string().refine((name) => !('problem' in parseSpiffeId(`spiffe://${name}`)), 'expected a trust domain name'),
  bundle: z.union(
    [
      z.literal('dev'),
      z.strictObject({ file: z.string().min(1) }),
      z.strictObject({ https_web: z.strictObject({ url: endpointUrl }) }),
      z.strictObject({
        https_spiffe: z.strictObject({
          url: endpointUrl,
          spiffe_id: z
            .string()
            .refine((id) => !('problem' in parseWorkloadId(id)), 'expected the SPIFFE ID of the bundle endpoint'),
          bootstrap_file: z.string().min(1).optional(),
        }),
      }),
      z.strictObject({ workload_api: workloadEndpoint }),
    ],
    { error: SOURCES },
  ),
});

type Form = z.output<typeof trustDomainForm>;

/** @throws InvalidConfig when an endpoint could not be authenticated. */
export function readTrustDomains(file: string, forms: readonly Form[]): TrustDomain[] {
  return forms.map(({ name, bundle }): TrustDomain => {
    if (bundle === 'dev') return { name, bundle: { dev: true } };
    if ('file' in bundle) return { name, bundle: { file: resolve(file, '..', bundle.file) } };
    if ('https_web' in bundle) return { name, bundle: { httpsWeb: bundle.https_web.url } };
    if ('workload_api' in bundle) return { name, bundle: { workloadApi: bundle.workload_api } };
    const { url, spiffe_id: spiffeId, bootstrap_file: bootstrap } = bundle.https_spiffe;
    checkBootstrap(file, name, { spiffeId, bootstrap }, forms);
    const from = bootstrap === undefined ? null : resolve(file, '..', bootstrap);
    return { name, bundle: { httpsSpiffe: { url, spiffeId, bootstrap: from } } };
  });
}

/** SPIFFE Federation, section 5.2.2.2: who serves its own bundle needs a first one, and who does not, a trust domain. */
function checkBootstrap(
  file: string,
  name: string,
  endpoint: { spiffeId: string; bootstrap: string | undefined },
  forms: readonly Form[],
): void {
  const parsed = parseWorkloadId(endpoint.spiffeId);
  const of = 'problem' in parsed ? '' : parsed.trustDomain;
  const fail = (problem: string): never => {
    throw new InvalidConfig(`${file}: \`identity.trust_domains\`: \`${name}\`: ${problem}`);
  };
  if (of === name && endpoint.bootstrap === undefined) {
    fail('the endpoint is of this trust domain itself; name a `bootstrap_file` with its bundle');
  }
  if (of !== name && endpoint.bootstrap !== undefined) {
    fail(`the endpoint is of \`${of}\`; its bundle comes from that trust domain, not from a \`bootstrap_file\``);
  }
  if (of !== name && !forms.some((form) => form.name === of)) {
    fail(`the endpoint is of \`${of}\`, which is not a trust domain of this configuration; add it`);
  }
}

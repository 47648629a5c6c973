import { InvalidRequest } from '../core/errors.ts';
import { delegatorId } from '../core/party.ts';
import { EVERYTHING, type Suspension, type SuspensionKind } from '../core/suspension.ts';

/** What there is to suspend. */
export type Suspendable = {
  targets: { has(name: string): boolean };
  trustDomains: readonly string[];
  /** Issuers of people. */
  issuers: readonly string[];
};

/**
 * The thing that somebody names. A name that means nothing here is refused: in an emergency a slip must not pass for a cut.
 *
 * @throws InvalidRequest
 */
export function nameSuspended(
  { kind, id }: { kind: SuspensionKind; id: string | undefined },
  known: Suspendable,
): Pick<Suspension, 'kind' | 'id'> {
  if (kind === 'everything') {
    if (id !== undefined && id !== EVERYTHING) throw new InvalidRequest('`id`: everything has none; leave it out');
    return { kind, id: EVERYTHING };
  }
  if (id === undefined) throw new InvalidRequest(`\`id\`: which ${kind.replace('_', ' ')}?`);
  switch (kind) {
    case 'target':
      if (!known.targets.has(id)) throw new InvalidRequest(`\`id\`: \`${id}\` is not a target`);
      return { kind, id };
    case 'trust_domain':
      if (!known.trustDomains.includes(id)) {
        throw new InvalidRequest(`\`id\`: trust domain \`${id}\` is not configured`);
      }
      return { kind, id };
    case 'delegator':
      return { kind, id: nameDelegator(id, known.issuers) };
  }
}

/** `ISSUER|SUBJECT`, or the subject alone where there is one provider of people. */
function nameDelegator(id: string, issuers: readonly string[]): string {
  const bar = id.indexOf('|');
  const subject = bar === -1 ? id : id.slice(bar + 1);
  const issuer = bar === -1 && issuers.length === 1 ? issuers[0] : id.slice(0, Math.max(bar, 0));
  if (subject === '') throw new InvalidRequest('`id`: expected `ISSUER|SUBJECT` of a person');
  if (issuer === undefined || !issuers.includes(issuer)) {
    const known = issuers.map((each) => `\`${each}\``).join(', ');
    throw new InvalidRequest(`\`id\`: expected \`ISSUER|SUBJECT\` with one of the configured issuers ${known}`);
  }
  return delegatorId({ issuer, subject });
}

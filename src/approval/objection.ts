import { approvalRule, isNamedBy, lacksStepUp, type StepUp } from '../core/approval-rule.ts';
import { mayAnswer, type Answer, type Approval } from '../core/approval.ts';
import { Forbidden, InsufficientUserAuthentication, type RemitError } from '../core/errors.ts';
import { samePerson } from '../core/party.ts';
import type { Sensitivity } from '../core/sensitivity.ts';
import type { Load } from './load.ts';
import type { Asker } from '../task/authorize.ts';

/** What the configuration asks of the sign-in of who approves something of a sensitivity, beside what policy asks. */
export type StepUps = Readonly<Partial<Record<Sensitivity, StepUp>>>;

type About = { approval: Approval; to: Answer['to']; stepUps: StepUps; load: Load | null; now: number };

type Check = (asker: Asker & { delegator: NonNullable<Asker['delegator']> }, about: About) => RemitError | null;

/** INVARIANT 8: these hold whatever policy says of `approval.answer`. The first that objects refuses. */
const CHECKS: readonly Check[] = [checkNotRequester, checkNamed, checkLoad, checkStepUp];

/** Why this answer is not taken from this asker, or `null`. */
export function objectionTo(asker: Asker, about: About): RemitError | null {
  const { delegator } = asker;
  if (delegator === null || asker.agent !== null) return new Forbidden('an approval is answered by a person');
  for (const check of CHECKS) {
    const objection = check({ ...asker, delegator }, about);
    if (objection !== null) return objection;
  }
  return null;
}

function checkNotRequester({ delegator }: Parameters<Check>[0], { approval }: About): RemitError | null {
  if (!samePerson(delegator, approval.requester.delegator)) return null;
  return new Forbidden('nobody answers what they have asked for themselves; ask another person');
}

function checkNamed({ delegator }: Parameters<Check>[0], { approval }: About): RemitError | null {
  if (mayAnswer(approval.approvers, delegator)) return null;
  return new Forbidden(`this approval is for ${approval.approvers.map((rule) => `\`${rule}\``).join(' and ')}`);
}

/** Who has said yes very often of late is not asked any more, where the configuration says so; their no counts. */
function checkLoad(_asker: Parameters<Check>[0], { to, load }: About): RemitError | null {
  if (to === 'refused' || load === null || !load.over || load.beyond === 'warn') return null;
  return new Forbidden(
    `you have answered ${load.lastHour} in the last hour, and ${load.limit} is the limit; let another person look at this one`,
  );
}

/** A no needs no stronger sign-in: it gives nothing. */
function checkStepUp({ delegator }: Parameters<Check>[0], { approval, to, stepUps, now }: About): RemitError | null {
  if (to === 'refused') return null;
  const configured = stepUps[approval.card.sensitivity];
  const rules = approval.approvers.map(approvalRule).filter((rule) => isNamedBy(rule, delegator));
  for (const needed of configured === undefined ? rules : [configured, ...rules]) {
    const lacking = lacksStepUp(delegator, needed, now);
    if (lacking !== null) return new InsufficientUserAuthentication(stepUpMessage(lacking), lacking);
  }
  return null;
}

function stepUpMessage({ acrValues, maxAgeSeconds }: StepUp): string {
  const how = acrValues.length === 0 ? '' : ` with ${acrValues.map((value) => `\`${value}\``).join(' or ')}`;
  const when = maxAgeSeconds === null ? '' : `, at most ${maxAgeSeconds} seconds before you answer`;
  const login = [
    ...(acrValues.length === 0 ? [] : [`--acr '${acrValues.join(' ')}'`]),
    ...(maxAgeSeconds === null ? [] : [`--max-age ${maxAgeSeconds}`]),
  ].join(' ');
  return `to approve this you have to sign in again${how}${when}: \`remit login ${login}\``;
}

import { InvalidAuthorizationDetails } from '../core/errors.ts';
import type { Grant } from '../core/grant.ts';
import { beyondGrants } from '../core/grant-within.ts';
import { grantsForm, parseGrants } from '../task/grant-form.ts';
import type { Exchange, TokenEndpointParts } from './exchange.ts';

/** So many characters of patterns on one side times those on the other are compared at most: some tens of milliseconds. */
const MAX_COMPARED = 4_000_000;

/**
 * RFC 9396: a client may ask for less. INVARIANT 3: what it asks for is one more level that every action is checked
 * against, beside the task's own grants, so nothing has to be compared to know that it cannot widen. It is compared all the
 * same, and refused (section 5) unless the task's grants cover all of it: the answer says what the token is for, and a
 * client or resource server that reads more there than is granted would be deceived.
 */
export function checkDetails(exchange: Exchange, parts: TokenEndpointParts): void {
  const { form, subject, resource } = exchange;
  if (form.authorization_details === undefined) return;
  if (subject.kind !== 'task') throw new InvalidAuthorizationDetails('details are for tokens of a task');
  const asked = readDetails(form.authorization_details, parts);
  if (asked.some((grant) => grant.target !== resource.target)) {
    throw new InvalidAuthorizationDetails('`authorization_details` name another target than the `resource`');
  }
  if (lengthOf(asked) * lengthOf(subject.grants) > MAX_COMPARED) {
    throw new InvalidAuthorizationDetails('`authorization_details` have too many patterns; ask for fewer');
  }
  for (const detail of asked) checkNotWider(detail, subject.grants, parts);
  exchange.subject = { ...subject, grants: asked };
}

function readDetails(text: string, parts: TokenEndpointParts): Grant[] {
  const value = parseJson(text);
  // The form of a task request may leave the type out; RFC 9396, section 2, does not.
  const typed = Array.isArray(value) && value.every((item: unknown) => isTyped(item));
  const parsed = grantsForm.safeParse(value);
  if (!typed || !parsed.success) {
    throw new InvalidAuthorizationDetails('`authorization_details` is not a list of grants of type `remit_grant`');
  }
  return parseGrants(parsed.data, parts.catalogue);
}

function checkNotWider(detail: Grant, granted: readonly Grant[], { catalogue }: TokenEndpointParts): void {
  const beyond = beyondGrants(detail, granted, (target, operation) => catalogue.effectOf(target, operation));
  if (beyond !== null) throw new InvalidAuthorizationDetails(`the task does not grant ${beyond}`);
}

function lengthOf(grants: readonly Grant[]): number {
  return grants.reduce((sum, { resources }) => sum + (resources ?? []).join('').length, 1);
}

function isTyped(item: unknown): boolean {
  return typeof item === 'object' && item !== null && 'type' in item;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

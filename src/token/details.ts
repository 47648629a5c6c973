import { InvalidAuthorizationDetails } from '../core/errors.ts';
import type { Grant } from '../core/grant.ts';
import { grantsForm, parseGrants, type Catalogue } from '../task/grant-form.ts';

/** RFC 9396 `authorization_details`, parsed from JSON, as grants. @throws InvalidAuthorizationDetails */
export function readDetails(value: unknown, { catalogue }: { catalogue: Catalogue }): Grant[] {
  // The form of a task request may leave the type out; RFC 9396, section 2, does not.
  const typed = Array.isArray(value) && value.every((item: unknown) => isTyped(item));
  const parsed = grantsForm.safeParse(value);
  if (!typed || !parsed.success) {
    throw new InvalidAuthorizationDetails('`authorization_details` is not a list of grants of type `remit_grant`');
  }
  return parseGrants(parsed.data, catalogue);
}

function isTyped(item: unknown): boolean {
  return typeof item === 'object' && item !== null && 'type' in item;
}

import { InvalidAuthorizationDetails } from '../core/errors.ts';
import type { Grant } from '../core/grant.ts';
import { grantsForm, parseGrants } from '../task/task-request.ts';
import type { Exchange, TokenEndpointParts } from './exchange.ts';

/**
 * RFC 9396: a client may ask for less. INVARIANT 3: what it asks for is one more level that every action is checked
 * against, beside the task's own grants, so nothing has to be compared to know that it cannot widen. What plainly asks
 * for more is refused here all the same (section 5), since nobody would see before the first call that it is denied.
 */
export function checkDetails(exchange: Exchange, parts: TokenEndpointParts): void {
  const { form, subject, resource } = exchange;
  if (form.authorization_details === undefined) return;
  if (subject.kind !== 'task') throw new InvalidAuthorizationDetails('details are for tokens of a task');
  const asked = readDetails(form.authorization_details, parts);
  if (asked.some((grant) => grant.target !== resource.target)) {
    throw new InvalidAuthorizationDetails('`authorization_details` name another target than the `resource`');
  }
  for (const detail of asked) checkNotWider(detail, subject.grants);
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

function checkNotWider(detail: Grant, granted: readonly Grant[]): void {
  const operations = granted.flatMap((grant) => grant.operations ?? []);
  const effects = granted.flatMap((grant) => grant.effects ?? []);
  const operation = detail.operations?.find((name) => effects.length === 0 && !operations.includes(name));
  const effect = detail.effects?.find((name) => operations.length === 0 && !effects.includes(name));
  const wider = operation ?? effect;
  if (wider !== undefined) throw new InvalidAuthorizationDetails(`the task does not grant \`${wider}\``);
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

import { InvalidRequest } from '../core/errors.ts';

/** How a client says who it is, at each endpoint. */
export const CLIENT_PARAMETERS = ['client_id', 'client_assertion', 'client_assertion_type'] as const;

export const TOKEN_PARAMETERS = [
  ...CLIENT_PARAMETERS,
  'grant_type',
  'assertion',
  'resource',
  'audience',
  'scope',
  'subject_token',
  'subject_token_type',
  'actor_token',
  'actor_token_type',
  'requested_token_type',
  'dpop_jkt',
  'authorization_details',
] as const;

export type Form<Name extends string> = Partial<Record<Name, string>>;
export type ClientForm = Form<(typeof CLIENT_PARAMETERS)[number]>;
export type TokenForm = Form<(typeof TOKEN_PARAMETERS)[number]>;

/**
 * The parameters of a request (RFC 6749, section 3.2): a form, each parameter at most once; an empty value counts as
 * absent, and other parameters are ignored.
 *
 * @throws InvalidRequest
 */
export function readForm<Name extends string>(contentType: string, body: string, names: readonly Name[]): Form<Name> {
  if (contentType.split(';')[0]!.trim().toLowerCase() !== 'application/x-www-form-urlencoded') {
    throw new InvalidRequest('send the request as application/x-www-form-urlencoded');
  }
  const parameters = new URLSearchParams(body);
  const form: Form<Name> = {};
  for (const name of names) {
    const values = parameters.getAll(name);
    if (values.length > 1) throw new InvalidRequest(`\`${name}\` is given more than once`);
    if (values[0] !== undefined && values[0] !== '') form[name] = values[0];
  }
  return form;
}

import { InvalidRequest } from '../core/errors.ts';

const PARAMETERS = [
  'grant_type',
  'resource',
  'audience',
  'scope',
  'client_id',
  'client_assertion',
  'client_assertion_type',
  'subject_token',
  'subject_token_type',
  'actor_token',
  'actor_token_type',
  'requested_token_type',
  'authorization_details',
] as const;

export type TokenForm = Partial<Record<(typeof PARAMETERS)[number], string>>;

/**
 * The parameters of a token request (RFC 6749, section 3.2): a form, each parameter at most once; an empty value counts
 * as absent, and parameters that we do not know are ignored.
 *
 * @throws InvalidRequest
 */
export function readForm(contentType: string, body: string): TokenForm {
  if (contentType.split(';')[0]!.trim().toLowerCase() !== 'application/x-www-form-urlencoded') {
    throw new InvalidRequest('send the request as application/x-www-form-urlencoded');
  }
  const parameters = new URLSearchParams(body);
  const form: TokenForm = {};
  for (const name of PARAMETERS) {
    const values = parameters.getAll(name);
    if (values.length > 1) throw new InvalidRequest(`\`${name}\` is given more than once`);
    if (values[0] !== undefined && values[0] !== '') form[name] = values[0];
  }
  return form;
}

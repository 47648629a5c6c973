import { headerOf, type Check } from './presented.ts';
import { refused } from './result.ts';

const MAX_TOKEN = 16 * 1024;

/** RFC 9449, section 7.1, or RFC 6750, section 2.1, for a token that is bound to a certificate. */
export const checkCredential: Check = (presented, { settings: { resourceMetadata } }) => {
  const header = headerOf(presented.request, 'authorization');
  if (header === undefined) return refused('missing_token', 'no access token', resourceMetadata);
  const [scheme = '', token = '', ...rest] = header.split(' ');
  const name = scheme.toLowerCase();
  if ((name !== 'dpop' && name !== 'bearer') || token === '' || rest.length > 0) {
    return refused('invalid_token', '`Authorization` is not an access token', resourceMetadata);
  }
  if (token.length > MAX_TOKEN) return refused('invalid_token', 'the token is too long', resourceMetadata);
  presented.scheme = name;
  presented.token = token;
  return null;
};

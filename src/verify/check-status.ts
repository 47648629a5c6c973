import type { Check } from './presented.ts';
import { refused } from './result.ts';

/** RFC 7662, where somebody is asked. Everything but a clear yes is a no. */
export const checkStatus: Check = async ({ token, claims }, { statuses, settings }) => {
  switch (await statuses?.of(token, claims, settings.clock)) {
    case undefined:
    case 'active':
      return null;
    case 'inactive':
      return refused('invalid_token', 'the token is not active any more', settings.resourceMetadata);
    case 'unknown':
      return refused('temporarily_unavailable', 'the status of the token cannot be known');
  }
};

import { decodeProtectedHeader } from 'jose';
import type { Check } from './presented.ts';
import { refused } from './result.ts';

/** By the revocation feed, where it is followed. INVARIANT 9: who cannot know what was revoked takes nothing. */
export const checkRevoked: Check = ({ token, claims }, { settings: { revocations, resourceMetadata } }) => {
  switch (revocations?.verdict(claims, decodeProtectedHeader(token).kid)) {
    case undefined:
    case 'good':
      return null;
    case 'revoked':
      return refused('invalid_token', 'the token, its task, its agent or its key was revoked', resourceMetadata);
    case 'stale':
      return refused('temporarily_unavailable', 'nothing was heard of what is revoked for too long');
  }
};

import type { CredentialKind, Injection } from './credential.ts';
import { nameOfPlace, type SecretPlace } from '../config/secret-place.ts';
import { CredentialUnavailable } from '../core/errors.ts';
import { NOT_TO_BE_HAD, type KeptSecret } from './secrets.ts';

/** An injection of the kind, of a secret that is kept at one place. */
export function injected(
  from: { kind: CredentialKind; place: SecretPlace; kept: KeptSecret },
  what: Partial<Omit<Injection, 'named'>>,
): Injection {
  return {
    headers: {},
    query: null,
    tls: null,
    secrets: secretsOf(from.kept.value),
    ...what,
    named: { kind: from.kind, source: nameOfPlace(from.place), version: from.kept.version },
  };
}

/** A value, and each of its words: a target may give back the token of `Bearer TOKEN` alone. */
export function secretsOf(value: string): string[] {
  return [...new Set([value, ...value.split(/\s+/)])];
}

/**
 * A value that can be sent in a header (RFC 9110, section 5.5).
 *
 * @throws CredentialUnavailable
 */
export function headerValue(value: string, place: SecretPlace): string {
  if (/^[\x21-\x7e\x80-\xff]([\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?$/.test(value)) return value;
  throw new CredentialUnavailable(NOT_TO_BE_HAD, {
    detail: `secret \`${nameOfPlace(place)}\`: it has characters that no header can hold, such as the end of a line`,
  });
}

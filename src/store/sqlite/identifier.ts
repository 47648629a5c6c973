import { InvalidRequest } from '../../core/errors.ts';

/**
 * Identifiers are compared byte for byte. A lone surrogate has no bytes: SQLite would store U+FFFD in its place, and two
 * identifiers would become one. So nothing may be named by such a text.
 *
 * @throws InvalidRequest
 */
export function checkIdentifiers(...texts: string[]): void {
  if (!texts.every((text) => text.isWellFormed())) {
    throw new InvalidRequest('an identifier must be well-formed Unicode');
  }
}

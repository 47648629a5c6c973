import type { DefinitionPin } from '../ports.ts';

export const DEFINITION_COLUMNS = 'target, operation, digest, definition, quarantined_digest, quarantined_definition';

export type DefinitionRow = {
  target: string;
  operation: string;
  digest: string;
  definition: string;
  quarantined_digest: string | null;
  quarantined_definition: string | null;
};

export function definitionPin(row: DefinitionRow): DefinitionPin {
  const { target, operation, digest, definition } = row;
  const pin: DefinitionPin = { target, operation, digest, definition };
  if (row.quarantined_digest !== null && row.quarantined_definition !== null) {
    pin.quarantined = Object.freeze({ digest: row.quarantined_digest, definition: row.quarantined_definition });
  }
  return Object.freeze(pin);
}

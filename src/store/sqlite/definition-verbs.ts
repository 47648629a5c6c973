import type { DefinitionPin, Store } from '../ports.ts';
import type { CommitQueue } from './commit-queue.ts';
import type { DefinitionTable } from './definition-table.ts';
import { checkIdentifiers } from './identifier.ts';
import type { RecordLog } from './record-log.ts';

type DefinitionVerbs = Pick<Store, 'definition' | 'definitions' | 'observeDefinition' | 'acceptDefinition'>;

export function definitionVerbs(
  queue: CommitQueue,
  { log, definitions }: { log: RecordLog; definitions: DefinitionTable },
): DefinitionVerbs {
  const remembered = (result: { pin?: DefinitionPin }) => {
    if (result.pin !== undefined) definitions.remember(result.pin);
  };
  return {
    definition: (target, operation) => definitions.get(target, operation),
    definitions: (target) => definitions.ofTarget(target),
    observeDefinition: (seen, records) =>
      queue
        .add(() => {
          const { target, operation, digest, definition } = seen;
          checkIdentifiers(target, operation, digest);
          const known = definitions.stored(target, operation);
          if (known?.digest === digest) return { verdict: 'unchanged' as const };
          const verdict = known === undefined ? ('pinned' as const) : ('changed' as const);
          if (known?.quarantined?.digest === digest) return { verdict };
          const pin: DefinitionPin =
            known === undefined
              ? { target, operation, digest, definition }
              : { ...known, quarantined: { digest, definition } };
          definitions.write(pin);
          log.append(records(verdict));
          return { verdict, pin };
        }, remembered)
        .then(({ verdict }) => verdict),
    acceptDefinition: (accepted, records) =>
      queue
        .add(() => {
          const known = definitions.stored(accepted.target, accepted.operation);
          if (known?.quarantined === undefined) return { outcome: 'not_quarantined' as const };
          if (known.quarantined.digest !== accepted.digest) return { outcome: 'other_digest' as const };
          const pin: DefinitionPin = { target: known.target, operation: known.operation, ...known.quarantined };
          definitions.write(pin);
          log.append(records);
          return { outcome: 'accepted' as const, pin };
        }, remembered)
        .then(({ outcome }) => outcome),
  };
}

import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { parseElsewhere } from '../pdp/prepare.ts';
import type { Catalogue } from '../pdp/schema/catalogue.ts';
import { catalogueOf } from '../policy/catalogue.ts';
import type { InForce } from '../policy/in-force.ts';
import type { DefinitionStore } from '../store/ports.ts';

/** The targets may have changed since the policy set was published. It stays in force; what no longer fits is said. */
export async function reportFindings(
  config: Config,
  inForce: InForce,
  store: DefinitionStore,
  log: Logger,
): Promise<void> {
  const { files } = inForce.current();
  try {
    const { findings } = await parseElsewhere({ files, catalogue: currentCatalogue(config, store) });
    for (const finding of findings) {
      log.warn(finding, 'policy does not fit the targets; see `remit policy check`');
    }
  } catch (error) {
    log.error({ err: error }, 'policy could not be checked against the targets');
  }
}

/** What a policy can name now. */
export function currentCatalogue(config: Config, store: DefinitionStore): Catalogue {
  return catalogueOf(config, (target, operation) => store.definition(target, operation)?.definition);
}

import { readConfig } from '../../config/config-file.ts';
import type { Catalogue } from '../../pdp/schema/catalogue.ts';
import { catalogueOf, OWN_CATALOGUE_TARGET } from '../../policy/catalogue.ts';
import { callApi } from '../api.ts';
import type { Io } from '../io.ts';

/** What there is to name, and how far that could be looked up. */
export type Opened = { catalogue: Catalogue; checked: string };

export async function openCatalogue(values: { config?: string; server: boolean }, io: Io): Promise<Opened> {
  if (values.server) {
    const catalogue = await callApi<Catalogue>(io, 'GET', '/policy/catalogue');
    return { catalogue, checked: `names and arguments as ${io.remitUrl} knows them` };
  }
  if (values.config !== undefined) {
    const config = readConfig(values.config, { dev: true });
    return {
      catalogue: catalogueOf(config, () => undefined),
      checked: 'names from the configuration; arguments are checked with --server',
    };
  }
  return {
    // Without a configuration the names of targets, groups and trust domains cannot be known.
    catalogue: { targets: [OWN_CATALOGUE_TARGET], groups: null, trustDomains: null },
    checked: 'names of targets and arguments are checked with --config or --server',
  };
}

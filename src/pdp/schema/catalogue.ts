import type { Effect } from '../../core/effect.ts';
import type { JsonObject } from '../../core/json.ts';

/** What there is to name in a policy: the schema is made from it. */
export type Catalogue = {
  targets: readonly CatalogueTarget[];
  /** Groups of people and agents, or `null` where the configuration does not list them. */
  groups: readonly string[] | null;
  /** `null` where the configuration is not at hand. */
  trustDomains: readonly string[] | null;
};

export type CatalogueTarget = { name: string; operations: readonly CatalogueOperation[] };

export type CatalogueOperation = {
  name: string;
  effect: Effect;
  /** JSON Schema of the arguments (MCP `inputSchema`); `null` while no definition has been seen. */
  input: JsonObject | null;
};

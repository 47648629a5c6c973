import type { Config, OperationConfig } from '../config/config.ts';
import { isJsonObject, type JsonObject } from '../core/json.ts';
import { evaluationArguments } from '../gateway/authzen/arguments.ts';
import { METHOD_NAMES } from '../gateway/mcp/methods.ts';
import { httpArguments } from '../gateway/http/arguments.ts';
import type { Catalogue, CatalogueTarget } from '../pdp/schema/catalogue.ts';
import { OWN_OPERATIONS } from '../task/authorize.ts';

/** The definition of an operation as its target stated it and somebody accepted it, as JSON text. */
export type Definitions = (target: string, operation: string) => string | undefined;

/** Remit's own operations: what a policy can name where no configuration is at hand. */
export const OWN_CATALOGUE_TARGET: CatalogueTarget = {
  name: 'remit',
  operations: Object.entries(OWN_OPERATIONS).map(([name, effect]) => ({ name, effect, input: null })),
};

/** What there is to name in a policy: the targets of a configuration, with the arguments of what they have shown. */
export function catalogueOf(config: Pick<Config, 'targets' | 'identity'>, definitions: Definitions): Catalogue {
  return {
    targets: [
      ...config.targets.map((target) => ({
        name: target.name,
        operations: [
          ...Object.entries(target.operations).map(([name, operation]) => ({
            name,
            effect: operation.effect,
            input: ownArguments(operation) ?? inputSchema(definitions(target.name, name)),
          })),
          ...(target.kind === 'mcp' ? METHOD_NAMES : []).map((name) => ({
            name,
            effect: 'read' as const,
            input: null,
          })),
        ],
      })),
      OWN_CATALOGUE_TARGET,
    ],
    groups: config.identity.groups === null ? null : Object.keys(config.identity.groups),
    trustDomains: trustDomainNames(config.identity),
  };
}

/** The trust domains that agents can be of: those of SVIDs, of clients, and those that OIDC tokens are mapped to. */
export function trustDomainNames(
  identity: Pick<Config['identity'], 'trustDomains' | 'workloadIssuers' | 'clients'>,
): string[] {
  const names = [
    ...identity.trustDomains.map(({ name }) => name),
    ...identity.workloadIssuers.map(({ spiffeId }) => spiffeId.trustDomain),
    ...identity.clients.map(({ trustDomain }) => trustDomain),
  ];
  return [...new Set(names)];
}

/** The arguments of an operation that no upstream defines. */
function ownArguments({ http, evaluation }: OperationConfig): JsonObject | null {
  if (http !== undefined) return httpArguments(http);
  return evaluation === undefined ? null : evaluationArguments(evaluation);
}

function inputSchema(definition: string | undefined): JsonObject | null {
  const parsed: unknown = definition === undefined ? undefined : JSON.parse(definition);
  const schema = isJsonObject(parsed) ? parsed['inputSchema'] : undefined;
  return isJsonObject(schema) ? schema : null;
}

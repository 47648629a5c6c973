import type { Logger } from 'pino';
import { createAgentRegistry, type AgentRegistry } from '../agent/registry.ts';
import type { RegistrationNames } from '../agent/registration.ts';
import type { Config } from '../config/config.ts';
import { trustDomainNames } from '../policy/catalogue.ts';
import type { AgentStore } from '../store/ports.ts';

const STORE_USES_EVERY_MS = 10_000;

export type OpenAgentRegistry = AgentRegistry & {
  /** Stores the last uses a last time. Never rejects. */
  stop(): Promise<void>;
};

/** The registry, whose last uses are stored now and then: a crash forgets those of the last seconds, and nothing else. */
export function openAgentRegistry(
  config: Config,
  parts: { store: AgentStore; clock: () => number; log: Logger },
): OpenAgentRegistry {
  const { store, clock, log } = parts;
  const registry = createAgentRegistry({ store, clock, unregistered: config.agents.unregistered });
  const storeUses = () =>
    registry.storeUses().catch((error: unknown) => log.warn({ err: error }, 'last uses of agents are not stored'));
  const timer = setInterval(() => void storeUses(), STORE_USES_EVERY_MS);
  return {
    ...registry,
    stop: async () => {
      clearInterval(timer);
      await storeUses();
    },
  };
}

export function registrationNames(config: Config): RegistrationNames {
  const { groups, people } = config.identity;
  return {
    trustDomains: trustDomainNames(config.identity),
    issuers: people.map(({ issuer }) => issuer),
    groups: groups === null ? null : Object.keys(groups),
  };
}

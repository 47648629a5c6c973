import { createHash } from 'node:crypto';
import type { Config } from '../config/config.ts';
import { readProfileFolder } from '../config/profile-folder.ts';
import type { Effect } from '../core/effect.ts';
import { trustDomainNames } from '../policy/catalogue.ts';
import { ProfileSet, readProfiles } from '../task/profile/profiles.ts';
import type { Catalogue } from '../task/grant-form.ts';

/** MCP's own operations, which are on every target that speaks it. */
const MCP_READS: readonly string[] = ['resources/read', 'prompts/get'];

const sha256 = (text: string) => createHash('sha256').update(text, 'utf8').digest('hex');

/** What a task can be granted: the operations of the target files, and MCP's own two. */
export function taskCatalogue({ targets, identity }: Pick<Config, 'targets' | 'identity'>): Catalogue {
  const byName = new Map(targets.map((target) => [target.name, target]));
  return {
    operations: (name) => {
      const target = byName.get(name);
      return target === undefined ? undefined : [...Object.keys(target.operations), ...readsOf(target)];
    },
    protocolOf: (name) => byName.get(name)?.kind ?? 'mcp',
    effectOf: (name, operation): Effect | undefined => {
      const target = byName.get(name);
      if (target === undefined) return undefined;
      const known = Object.hasOwn(target.operations, operation) ? target.operations[operation]?.effect : undefined;
      return known ?? (readsOf(target).includes(operation) ? 'read' : undefined);
    },
    trustDomains: trustDomainNames(identity),
  };
}

function readsOf({ kind }: Config['targets'][number]): readonly string[] {
  return kind === 'mcp' ? MCP_READS : [];
}

/**
 * The profiles of a configuration, or of `folder` under it.
 *
 * @throws InvalidConfig with file, line, field and what is expected.
 */
export function openProfiles(config: Config, folder = config.profiles): ProfileSet {
  if (folder === null) return new ProfileSet([]);
  const { maxLifetimeSeconds } = config.tasks;
  const issuers = config.identity.people.map(({ issuer }) => issuer);
  return readProfiles(readProfileFolder(folder), {
    catalogue: taskCatalogue(config),
    sha256,
    maxLifetimeSeconds,
    issuers,
  });
}

import { InvalidConfig, NotFound } from '../../core/errors.ts';
import { authorize, type Asker, type AuthorizeParts } from '../authorize.ts';
import { parseProfile, type Profile, type ProfileParts } from './profile-file.ts';

/** The profiles that there are, by name and version. */
export class ProfileSet {
  /** By name; versions, the newest first. */
  readonly #byName: ReadonlyMap<string, readonly Profile[]>;

  constructor(profiles: readonly Profile[]) {
    const grouped = Map.groupBy(profiles, ({ name }) => name);
    for (const versions of grouped.values()) versions.sort((a, b) => b.version - a.version);
    this.#byName = grouped;
  }

  /** `name`, the newest of it, or `name@version`. */
  find(asked: string): Profile | undefined {
    const [, name = '', version] = /^([^@]+)(?:@([1-9]\d{0,6}))?$/.exec(asked) ?? [];
    const versions = this.#byName.get(name) ?? [];
    return version === undefined ? versions[0] : versions.find((profile) => profile.version === Number(version));
  }

  /** By name, then the newest first. */
  all(): Profile[] {
    return [...this.#byName.keys()].toSorted().flatMap((name) => this.#byName.get(name)!);
  }
}

/**
 * The profiles of these files, by their names.
 *
 * @throws InvalidConfig with file, line, field and what is expected.
 */
export function readProfiles(files: Readonly<Record<string, string>>, parts: ProfileParts): ProfileSet {
  const read = Object.entries(files).map(([file, text]) => ({ file, profile: parseProfile(file, text, parts) }));
  const seen = new Map<string, string>();
  for (const { file, profile } of read) {
    const id = `${profile.name}@${profile.version}`;
    const before = seen.get(id);
    if (before !== undefined)
      throw new InvalidConfig(`${file}: \`${id}\` is in ${before}, too; give it another version`);
    seen.set(id, file);
  }
  return new ProfileSet(read.map(({ profile }) => profile));
}

/** What people and agents see of the profiles. */
export interface Profiles {
  list(asker: Asker): Promise<Profile[]>;
  /** @throws NotFound */
  show(asker: Asker, asked: string): Promise<Profile>;
}

export function createProfiles(parts: AuthorizeParts & { profiles: ProfileSet }): Profiles {
  const read = async (asker: Asker, resources: string[]) =>
    parts.log.append([await authorize(asker, { operation: 'profile.read', resources, arguments: {} }, parts)]);
  return {
    list: async (asker) => {
      await read(asker, []);
      return parts.profiles.all();
    },
    show: async (asker, asked) => {
      const profile = parts.profiles.find(asked);
      await read(asker, profile === undefined ? [] : [`profile:${profile.name}`]);
      if (profile === undefined) throw unknownProfile(asked, parts.profiles);
      return profile;
    },
  };
}

export function unknownProfile(asked: string, profiles: ProfileSet): NotFound {
  const names = [...new Set(profiles.all().map(({ name }) => `\`${name}\``))];
  const known = names.length === 0 ? 'none is configured' : `there are ${names.join(', ')}`;
  return new NotFound(`there is no profile \`${asked.slice(0, 80)}\`; ${known}`);
}

import { z } from 'zod';
import { parseRegistrationId, type AgentOwner, type RegisteredAgent } from '../core/agent.ts';
import { InvalidRequest } from '../core/errors.ts';

const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((value) => value.isWellFormed(), 'expected well-formed Unicode');

const names = z.array(text(128)).max(100);

/** `issuer` may be left out where Remit knows one provider of people. */
export const ownerForm = z.union([
  z.strictObject({ issuer: text(2048).optional(), subject: text(255) }),
  z.strictObject({ group: text(128) }),
]);

export const registrationForm = z.strictObject({
  /** A SPIFFE ID, or for a fleet a pattern: `*` within a path segment, `**` across. */
  id: text(2048),
  /** The caller, where it is left out and the caller is a person. */
  owner: ownerForm.optional(),
  purpose: text(500),
  groups: names.default([]),
  /** Names of task profiles; `null` for any task. */
  profiles: names.nullable().default(null),
});

export const registrationChangeForm = z.strictObject({
  id: text(2048),
  /** What the caller has seen; without it the change is made whatever was changed meanwhile. */
  revision: z.number().int().positive().optional(),
  owner: ownerForm.optional(),
  purpose: text(500).optional(),
  groups: names.optional(),
  profiles: names.nullable().optional(),
});

/** What there is to name in a registration. */
export type RegistrationNames = {
  trustDomains: readonly string[];
  /** Issuers of the providers of people. */
  issuers: readonly string[];
  /** `null` where the configuration does not list them: then any name is taken. */
  groups: readonly string[] | null;
};

export type Registration = Pick<RegisteredAgent, 'id' | 'purpose' | 'groups' | 'profiles'> & {
  owner: AgentOwner | undefined;
};

/** @throws InvalidRequest, naming the field and what is expected. */
export function parseRegistration(body: z.output<typeof registrationForm>, known: RegistrationNames): Registration {
  const id = parseRegistrationId(body.id);
  if ('problem' in id) throw new InvalidRequest(`\`id\` ${id.problem}`);
  if (!known.trustDomains.includes(id.trustDomain)) {
    throw new InvalidRequest(`\`id\`: trust domain \`${id.trustDomain}\` is not configured`);
  }
  return {
    id: body.id,
    owner: body.owner === undefined ? undefined : parseOwner(body.owner, known),
    purpose: body.purpose,
    groups: knownGroups(body.groups, known),
    profiles: body.profiles === null ? null : distinct(body.profiles),
  };
}

export type RegistrationChange = Partial<Pick<RegisteredAgent, 'owner' | 'purpose' | 'groups' | 'profiles'>>;

/** @throws InvalidRequest, naming the field and what is expected. */
export function parseRegistrationChange(
  body: z.output<typeof registrationChangeForm>,
  known: RegistrationNames,
): RegistrationChange {
  const change: RegistrationChange = {};
  if (body.owner !== undefined) change.owner = parseOwner(body.owner, known);
  if (body.purpose !== undefined) change.purpose = body.purpose;
  if (body.groups !== undefined) change.groups = knownGroups(body.groups, known);
  if (body.profiles !== undefined) change.profiles = body.profiles === null ? null : distinct(body.profiles);
  if (Object.keys(change).length === 0) {
    throw new InvalidRequest('nothing is changed: give `owner`, `purpose`, `groups` or `profiles`');
  }
  return change;
}

function parseOwner(owner: z.output<typeof ownerForm>, { issuers, groups }: RegistrationNames): AgentOwner {
  if ('group' in owner) {
    if (groups !== null && !groups.includes(owner.group)) throw unknownGroup('owner', owner.group);
    return owner;
  }
  const { subject, issuer = issuers.length === 1 ? issuers[0] : undefined } = owner;
  if (issuer === undefined) {
    throw new InvalidRequest(`\`owner.issuer\`: name one of ${issuers.map((each) => `\`${each}\``).join(', ')}`);
  }
  if (!issuers.includes(issuer)) {
    throw new InvalidRequest(`\`owner.issuer\`: \`${issuer}\` is not a provider of people here`);
  }
  return { issuer, subject };
}

function knownGroups(chosen: readonly string[], { groups }: RegistrationNames): string[] {
  const unknown = groups === null ? undefined : chosen.find((group) => !groups.includes(group));
  if (unknown !== undefined) throw unknownGroup('groups', unknown);
  return distinct(chosen);
}

function unknownGroup(field: string, group: string): InvalidRequest {
  return new InvalidRequest(`\`${field}\`: there is no group \`${group}\`; add it to \`identity.groups\` first`);
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)];
}

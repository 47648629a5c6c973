import { parseArgs } from 'node:util';
import { printable } from '../audit/record-text.ts';
import { readConfig } from '../config/config-file.ts';
import type { BudgetWire } from '../core/budget-wire.ts';
import { InvalidConfig } from '../core/errors.ts';
import type { Grant } from '../core/grant.ts';
import type { JsonObject } from '../core/json.ts';
import type { ScheduleWire } from '../core/schedule-wire.ts';
import { openProfiles } from '../wiring/profiles.ts';
import { callApi } from './api.ts';
import { UsageError, type Command, type Io } from './io.ts';
import { mostText } from './limits-text.ts';
import { grantText } from './task-text.ts';

export const PROFILE_USAGE = `remit profile list                  kinds of task that can be asked for by name
remit profile show NAME[@VERSION]   one of them
remit profile check --config FILE [FOLDER]   validate profiles against a configuration, without a server`;

export type ProfileWire = {
  name: string;
  version: number;
  digest: string;
  description?: string;
  agents: string[];
  purpose?: string;
  parameters: JsonObject;
  grant: Grant[];
  sensitivity: string;
  lifetime_seconds?: number;
  schedule?: ScheduleWire;
  budget: Partial<BudgetWire>;
  max_hops: number;
  approval: { task: string[]; hops: string[] };
  automation?: {
    owner: { issuer: string; subject: string; name?: string };
    every_minutes: number;
    stop_after_failures: number;
  };
};

type Automation = NonNullable<ProfileWire['automation']>;

const UNUSABLE = 2;

export const profile: Command = async ([verb = '', ...args], io) => {
  switch (verb) {
    case 'list': {
      if (args.length > 0) throw new UsageError(PROFILE_USAGE);
      const { profiles } = await callApi<{ profiles: ProfileWire[] }>(io, 'GET', '/profiles');
      for (const each of profiles) {
        if (io.json) io.out(JSON.stringify(each));
        else io.out(printable(`${each.name}@${each.version}  ${each.description ?? each.purpose ?? ''}`.trimEnd()));
      }
      if (profiles.length === 0 && !io.json) io.out('no profiles');
      return 0;
    }
    case 'show': {
      const [name, ...rest] = args;
      if (name === undefined || rest.length > 0) throw new UsageError(PROFILE_USAGE);
      const shown = await callApi<ProfileWire>(io, 'GET', `/profiles/${encodeURIComponent(name)}`);
      if (io.json) io.out(JSON.stringify(shown));
      else for (const line of profileText(shown)) io.out(printable(line));
      return 0;
    }
    case 'check':
      return check(args, io);
    default:
      throw new UsageError(PROFILE_USAGE);
  }
};

/** Exit code 0 when each of them can be used, 2 otherwise. */
function check(args: string[], io: Io): number {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { config: { type: 'string' } } });
  if (values.config === undefined || positionals.length > 1) throw new UsageError(PROFILE_USAGE);
  try {
    const config = readConfig(values.config, { dev: true });
    const profiles = openProfiles(config, positionals[0]).all();
    if (io.json)
      io.out(JSON.stringify({ profiles: profiles.map(({ name, version, digest }) => ({ name, version, digest })) }));
    else for (const { name, version, digest } of profiles) io.out(`${name}@${version}  ${digest}`);
    if (profiles.length === 0 && !io.json) io.out('no profiles; name a folder, or `profiles` in the configuration');
    return 0;
  } catch (error) {
    if (!(error instanceof InvalidConfig)) throw error;
    io.err(printable(`remit: ${error.message}`));
    return UNUSABLE;
  }
}

function profileText(profile: ProfileWire): string[] {
  const { approval, automation, parameters } = profile;
  const names = Object.keys((parameters['properties'] as JsonObject | undefined) ?? {});
  return [
    `${profile.name}@${profile.version}  ${profile.digest}`,
    ...(profile.description === undefined ? [] : [`  ${profile.description}`]),
    ...(profile.purpose === undefined ? [] : [`  purpose: ${profile.purpose}`]),
    `  for ${profile.agents.join(', ')}`,
    ...(names.length === 0 ? [] : [`  parameters: ${names.join(', ')}`]),
    ...grantText(profile.grant),
    `  up to ${profile.sensitivity}, ${profile.max_hops} hops` +
      (profile.lifetime_seconds === undefined ? '' : `, at most ${profile.lifetime_seconds / 60} minutes`),
    ...mostText(profile.budget, profile.schedule === undefined ? [] : [profile.schedule]).map((line) => `  ${line}`),
    ...approval.task.map((rule) => `  a task needs a yes of ${rule}`),
    ...approval.hops.map((rule) => `  each hop needs a yes of ${rule}`),
    ...(automation === undefined ? [] : automationText(automation)),
  ];
}

function automationText({ owner, every_minutes: minutes, stop_after_failures: failures }: Automation): string[] {
  return [
    `  its agent starts it by itself every ${minutes} minutes, on behalf of ${owner.name ?? owner.subject} (${owner.issuer})`,
    `  after ${failures} in a row that ${failures === 1 ? 'was' : 'were'} not completed, a person has to start one`,
  ];
}

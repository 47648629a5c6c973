import { parseArgs } from 'node:util';
import { InvalidRequest } from '../core/errors.ts';
import { callApi } from './api.ts';
import { UsageError, type Io } from './io.ts';

export const REGISTRY_USAGE = `remit agent add ID --purpose TEXT [--owner SUBJECT|ISSUER\\|SUBJECT | --owner-group GROUP]
                [--group GROUP]… [--profile NAME]…         register an agent; ID may be a pattern, for a fleet
remit agent list [--state STATE] [--mine]                  registered agents
remit agent show ID                                        one of them
remit agent set ID [--purpose TEXT] [--owner … | --owner-group …] [--group GROUP]… [--profile NAME]…
                [--no-groups] [--any-profile] [--revision N]   change it; groups and profiles stand in for those before
remit agent suspend ID --reason TEXT                       it may do nothing, and its tasks end
remit agent resume ID --reason TEXT                        it may be given tasks again
remit agent retire ID --reason TEXT                        as suspend, for good`;

type AgentWire = {
  id: string;
  owner: { issuer: string; subject: string } | { group: string };
  purpose: string;
  groups: string[];
  profiles: string[] | null;
  state: string;
  reason?: string;
  created_at: string;
  last_used_at?: string;
  revision: number;
};

const CHANGES = {
  purpose: { type: 'string' },
  owner: { type: 'string' },
  'owner-group': { type: 'string' },
  group: { type: 'string', multiple: true },
  profile: { type: 'string', multiple: true },
} as const;

/** The verbs of `remit agent` that are about registered agents. Resolves with `null` for a verb that is none. */
export async function registeredAgents([verb = '', ...args]: string[], io: Io): Promise<number | null> {
  switch (verb) {
    case 'add':
      return add(args, io);
    case 'list':
      return list(args, io);
    case 'show': {
      const id = one(args);
      printAgent(await callApi<AgentWire>(io, 'GET', `/agents/show?id=${encodeURIComponent(id)}`), io);
      return 0;
    }
    case 'set':
      return set(args, io);
    case 'suspend':
    case 'resume':
    case 'retire': {
      const { values, positionals } = parseArgs({
        args,
        allowPositionals: true,
        options: { reason: { type: 'string' } },
      });
      if (values.reason === undefined) throw new UsageError(REGISTRY_USAGE);
      const body = { id: one(positionals), reason: values.reason };
      printAgent(await callApi<AgentWire>(io, 'POST', `/agents/${verb}`, body), io);
      return 0;
    }
    default:
      return null;
  }
}

async function add(args: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: CHANGES });
  if (values.purpose === undefined) throw new UsageError(REGISTRY_USAGE);
  const body = { id: one(positionals), purpose: values.purpose, ...changesOf(values) };
  printAgent(await callApi<AgentWire>(io, 'POST', '/agents', body), io);
  return 0;
}

async function set(args: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...CHANGES,
      'no-groups': { type: 'boolean', default: false },
      'any-profile': { type: 'boolean', default: false },
      revision: { type: 'string' },
    },
  });
  const body = {
    id: one(positionals),
    ...(values.purpose === undefined ? {} : { purpose: values.purpose }),
    ...changesOf(values),
    ...(values['no-groups'] ? { groups: [] } : {}),
    ...(values['any-profile'] ? { profiles: null } : {}),
    ...(values.revision === undefined ? {} : { revision: Number(values.revision) }),
  };
  printAgent(await callApi<AgentWire>(io, 'POST', '/agents/set', body), io);
  return 0;
}

async function list(args: string[], io: Io): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { state: { type: 'string' }, mine: { type: 'boolean', default: false } },
  });
  const query = new URLSearchParams({ mine: String(values.mine) });
  if (values.state !== undefined) query.set('state', values.state);
  const { agents } = await callApi<{ agents: AgentWire[] }>(io, 'GET', `/agents?${query.toString()}`);
  for (const agent of agents) printAgent(agent, io);
  if (agents.length === 0 && !io.json) io.out('no agents');
  return 0;
}

function changesOf(values: {
  owner?: string | undefined;
  'owner-group'?: string | undefined;
  group?: string[] | undefined;
  profile?: string[] | undefined;
}): object {
  const { owner, 'owner-group': ownerGroup, group, profile } = values;
  if (owner !== undefined && ownerGroup !== undefined) {
    throw new InvalidRequest('an agent has one owner: give `--owner` or `--owner-group`');
  }
  return {
    ...(owner === undefined ? {} : { owner: parseOwner(owner) }),
    ...(ownerGroup === undefined ? {} : { owner: { group: ownerGroup } }),
    ...(group === undefined ? {} : { groups: group }),
    ...(profile === undefined ? {} : { profiles: profile }),
  };
}

/** No issuer holds a bar; a subject may. */
function parseOwner(text: string): { issuer?: string; subject: string } {
  const bar = text.indexOf('|');
  if (bar === -1 || !text.startsWith('http')) return { subject: text };
  return { issuer: text.slice(0, bar), subject: text.slice(bar + 1) };
}

function one(args: string[]): string {
  const [id, ...rest] = args;
  if (id === undefined || rest.length > 0) throw new UsageError(REGISTRY_USAGE);
  return id;
}

function printAgent(agent: AgentWire, io: Io): void {
  if (io.json) {
    io.out(JSON.stringify(agent));
    return;
  }
  const { id, state, reason, owner, groups, profiles, purpose } = agent;
  io.out(`${id}  ${state}${reason === undefined ? '' : ` (${reason})`}`);
  io.out(`  ${purpose}`);
  const who = 'group' in owner ? `group ${owner.group}` : `${owner.subject} (${owner.issuer})`;
  const of = groups.length === 0 ? '' : `, in ${groups.join(', ')}`;
  const forTasks = profiles === null ? '' : `, for ${profiles.length === 0 ? 'no task' : profiles.join(', ')}`;
  const used = agent.last_used_at === undefined ? 'never used' : `last used ${agent.last_used_at}`;
  io.out(`  owned by ${who}${of}${forTasks}; ${used}`);
}

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LEASE_POINTS, type LeasePointName } from '../../src/lease/fail-point.ts';
import { openAgent, type Agent } from '../harness/in-process-agent.ts';
import { KEY_OPERATIONS, startKeyService, type KeyService } from '../harness/key-service.ts';
import { signIn, type Person } from '../harness/person.ts';
import { addTarget } from '../harness/quickstart.ts';
import type { Random } from './history/random.ts';
import { startRemit, until, type RemitProcess } from '../harness/remit-process.ts';

const AGENT = 'spiffe://remit.local/agent/minter';

/** Before these the key is minted; at the others it is taken back. */
const MINTING: readonly LeasePointName[] = ['lease.intended', 'lease.answered', 'lease.held'];

type LeaseShown = {
  id: string;
  state: string;
  identifier?: string;
  revoked_by: { manual?: string };
  agent: string;
  delegator: string;
  purpose?: string;
};

/** What the service has issued under a task, and what the ledger says of it once the task has ended. */
export type Accounted = {
  issued: number;
  /** The service itself says that they are revoked. */
  revoked: number;
  /** Leases that are outstanding, each with the step, who and what for. */
  outstanding: number;
  /** Keys that work, and that no outstanding lease stands for. There must be none. */
  lost: string[];
};

export type LeaseRound = Accounted & { point: LeasePointName };

type Parts = { remit: RemitProcess; service: KeyService; alice: Person };

async function withService<Result>(work: (parts: Parts) => Promise<Result>): Promise<Result & { log: string }> {
  const service = await startKeyService();
  const remit = await startRemit({ prepare: (folder) => prepare(folder, service.url), failPoints: true });
  try {
    const alice = await signIn(remit, 'alice');
    const result = await work({ remit, service, alice });
    await remit.stop();
    const { code, stdout, stderr } = await remit.cli(['log', 'verify']);
    return { ...result, log: code === 0 ? 'ok' : `${stdout}${stderr}` };
  } finally {
    await remit.dispose();
    await service.close();
  }
}

/** Has Remit die (SIGKILL) at every step of a mint and of taking back, and starts it again each time. */
export function dieAtEveryLeasePoint(): Promise<{ rounds: LeaseRound[]; log: string }> {
  return withService(async (parts) => {
    const rounds: LeaseRound[] = [];
    for (const point of LEASE_POINTS) rounds.push({ point, ...(await dieAt(point, parts)) });
    return { rounds };
  });
}

async function dieAt(point: LeasePointName, { remit, service, alice }: Parts): Promise<Accounted> {
  const agent = await openAgent(remit, AGENT);
  const before = service.issued.length;
  const task = await requestTask(alice);
  const { client } = await agent.connect('keys', task);
  const mint = () => client.callTool({ name: 'create_key', arguments: { user: point } });
  const revoke = () => alice.call('POST', `/tasks/${task}/revoke`, { reason: 'a mistake' });
  const minting = MINTING.includes(point);
  if (!minting) await mint();
  await remit.dieAt(point);
  await Promise.all([(minting ? mint() : revoke()).catch(() => undefined), remit.ended()]);
  await agent.close();
  await remit.start();
  if (minting) await revoke();
  return account(task, service.issued.slice(before), alice);
}

/** Waits until what can be taken back is, and holds the service's own word against the ledger. */
async function account(task: string, issued: KeyService['issued'], alice: Person): Promise<Accounted> {
  const listed = async (query: string) =>
    (await alice.call<{ leases: LeaseShown[] }>('GET', `/leases?task=${task}${query}`)).body.leases;
  await until(async () => (await listed('')).every(({ state }) => !['intended', 'held'].includes(state)), 20_000);
  const outstanding = await listed('&outstanding=true');
  const working = issued.filter(({ revoked }) => !revoked);
  const unnamed = outstanding.filter(
    ({ identifier, revoked_by: by, purpose }) =>
      identifier === undefined && by.manual !== undefined && purpose !== undefined,
  );
  const known = new Set(outstanding.map(({ identifier }) => identifier));
  const unknown = working.filter(({ id }) => !known.has(id));
  return {
    issued: issued.length,
    revoked: issued.length - working.length,
    outstanding: outstanding.length,
    lost: unknown.slice(unnamed.length).map(({ id }) => id),
  };
}

/** Kills Remit at random moments while several tasks mint and end, and at last accounts for every key ever issued. */
export function killWhileMinting(options: {
  kills: number;
  tasks: number;
  random: Random;
}): Promise<Accounted & { log: string; tasks: number }> {
  return withService(async ({ remit, service, alice }) => {
    const owners = new Map<string, string>();
    const issuedTo = (task: string) => service.issued.filter(({ user }) => owners.get(user) === task);
    const tasks: string[] = [];
    for (let kill = 0; kill < options.kills; kill++) {
      const agent = await openAgent(remit, AGENT);
      const round = await Promise.all(
        Array.from({ length: options.tasks }, async () => {
          const task = await requestTask(alice);
          tasks.push(task);
          return { task, work: keepMinting(agent, task, owners) };
        }),
      );
      await until(() => round.every(({ task }) => issuedTo(task).length > 0), 20_000);
      await new Promise((resolve) => setTimeout(resolve, options.random.below(150)));
      // Some of them end at the moment of the kill.
      const ends = round
        .filter(() => options.random.below(2) === 0)
        .map(({ task }) => alice.call('POST', `/tasks/${task}/complete`).catch(() => undefined));
      if (options.random.below(2) === 0) await new Promise((resolve) => setTimeout(resolve, options.random.below(40)));
      await remit.kill();
      await Promise.all([...ends, ...round.map(({ work }) => work)]);
      await agent.close();
      await remit.start();
      for (const { task } of round) await alice.call('POST', `/tasks/${task}/complete`);
    }
    const all = { issued: 0, revoked: 0, outstanding: 0, lost: [] as string[], tasks: tasks.length };
    for (const task of tasks) {
      const { issued, revoked, outstanding, lost } = await account(task, issuedTo(task), alice);
      all.issued += issued;
      all.revoked += revoked;
      all.outstanding += outstanding;
      all.lost.push(...lost);
    }
    return all;
  });
}

/** Mints until a call fails. Each key is issued to a user of its own, so that it can be said whose it was. */
async function keepMinting(agent: Agent, task: string, owners: Map<string, string>): Promise<void> {
  try {
    const { client } = await agent.connect('keys', task);
    for (let n = 0; ; n++) {
      const user = `${task}-${n}`;
      owners.set(user, task);
      const result = await client.callTool({ name: 'create_key', arguments: { user } });
      if (result.isError === true) return;
    }
  } catch {
    // the process has gone
  }
}

async function requestTask(alice: Person): Promise<string> {
  const grant = [{ target: 'keys', operations: ['create_key', 'whoami'] }];
  const body = { agent: AGENT, purpose: 'mint what will be lost', grant, budget: { calls: 10_000 } };
  const answer = await alice.call<{ id?: string }>('POST', '/tasks', body);
  if (answer.body.id === undefined) throw new Error(`no task: ${JSON.stringify(answer.body)}`);
  return answer.body.id;
}

function prepare(folder: string, url: string): void {
  addTarget(folder, { name: 'keys', upstream: { http: { url } }, operations: KEY_OPERATIONS });
  const base = join(folder, 'policies', 'base.cedar');
  writeFileSync(base, readFileSync(base, 'utf8').replace(/Action::"mint", /g, ''));
  writeFileSync(
    join(folder, 'policies', 'keys.cedar'),
    '@id("minting") permit (principal, action == Action::"keys:create_key", resource) when { context has task };',
  );
}

/**
 * The questions of the AuthZEN working group's interop scenario against the product as it is, over HTTP. The scenario's users are
 * people of the identity provider, each of whom has sent an agent on a task. A question is asked with the token of the task of its
 * subject, which is what makes the subject a proven one; nothing stands in for it.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { readPolicyFolder } from '../../../src/config/policy-folder.ts';
import { readTargetFile } from '../../../src/config/target-file.ts';
import {
  agentSession,
  ISSUER,
  openControlPlane,
  personSession,
  requestTask,
  subjectToken,
  SUMMARISER,
  type ControlPlane,
  type Session,
} from '../../fixtures/control-plane.ts';
import type { Report } from '../report.ts';

const DATA = join(import.meta.dirname, '../../../../shared/data/authzen');

/** The users of the scenario: `sub` at their provider, and what it says of them. */
const USERS: Record<string, { email: string; groups: string[] }> = {
  CiRmZDA2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs: {
    email: 'rick@the-citadel.com',
    groups: ['admin', 'evil_genius'],
  },
  CiRmZDE2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs: { email: 'morty@the-citadel.com', groups: ['editor'] },
  CiRmZDI2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs: { email: 'summer@the-smiths.com', groups: ['editor'] },
  CiRmZDM2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs: { email: 'beth@the-smiths.com', groups: ['viewer'] },
  CiRmZDQ2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs: { email: 'jerry@the-smiths.com', groups: ['viewer'] },
};

type Body = { subject?: { id?: unknown }; resource?: { type?: unknown }; evaluations?: Body[] };
type Case = { request: Body; expected: unknown };
type Endpoint = 'evaluation' | 'evaluations';

/** `args`: a file of cases, or a folder of such files; else those of the data folder. */
export async function runAuthzenSuite(report: Report, [path = DATA]: readonly string[]): Promise<void> {
  if (!existsSync(path)) return report.note(`there are no cases at ${path}; name a file or a folder`);
  const files = statSync(path).isDirectory() ? readdirSync(path).toSorted() : [''];
  const asker = await openAsker();
  try {
    for (const name of files.filter((file) => file === '' || file.endsWith('.json'))) {
      const label = name === '' ? path : name;
      const { cases, left } = casesOf(JSON.parse(readFileSync(join(path, name), 'utf8')));
      if (left !== null) report.note(`- ${label}: ${left}`);
      for (const [place, { endpoint, request, expected }] of cases.entries()) {
        const answer = await asker.ask(endpoint, request);
        const wanted = endpoint === 'evaluation' ? { decision: expected } : { evaluations: expected };
        const told = `${label} ${endpoint} ${place + 1}`;
        if (JSON.stringify(decisionsOf(answer)) === JSON.stringify(wanted)) report.passed(told);
        else
          report.failed(
            told,
            `${JSON.stringify(request)}: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(answer)}`,
          );
      }
    }
    await checkOthers(asker, report);
  } finally {
    await asker.close();
  }
}

/** The questions of a file; `left`: why there are others, or none. */
function casesOf(data: unknown): { cases: (Case & { endpoint: Endpoint })[]; left: string | null } {
  const lists =
    typeof data === 'object' && data !== null && !Array.isArray(data) ? (data as Record<string, Case[]>) : {};
  const cases = (['evaluation', 'evaluations'] as const).flatMap((endpoint) =>
    (lists[endpoint] ?? [])
      .filter(({ request, expected }) => request.subject?.id !== undefined && !isSearch(expected))
      .map((each) => ({ endpoint, ...each })),
  );
  const all = Object.values(lists).reduce((sum, list) => sum + (Array.isArray(list) ? list.length : 0), 0);
  const left = all - cases.length;
  if (all === 0) return { cases, left: 'no cases' };
  return { cases, left: left === 0 ? null : `${left} cases of searches, or of a draft before 1.0, are not asked` };
}

function isSearch(expected: unknown): boolean {
  return typeof expected === 'object' && expected !== null && 'results' in expected;
}

type Decided = { decision?: unknown; evaluations?: { decision: unknown }[] };

function decisionsOf({ decision, evaluations }: Decided): object {
  return evaluations === undefined
    ? { decision }
    : { evaluations: evaluations.map((each) => ({ decision: each.decision })) };
}

/** What the scenario takes for granted and the product does not: nobody is asked for who has not proven to ask. */
async function checkOthers(asker: Asker, report: Report): Promise<void> {
  const [rick, morty] = Object.keys(USERS) as [string, string];
  const request = {
    subject: { type: 'user', id: rick },
    action: { name: 'can_read_todos' },
    resource: { type: 'todo', id: 'todo-1' },
  };
  const answer = await asker.ask('evaluation', request, morty);
  if (answer.decision === false) report.passed('a question about somebody else is denied');
  else report.failed('a question about somebody else is denied', JSON.stringify(answer));
}

type Asker = {
  /** `as`: whose token it is asked with; that of the subject, unless told. */
  ask: (endpoint: Endpoint, request: Body, as?: string) => Promise<Decided>;
  close: () => Promise<void>;
};

async function openAsker(): Promise<Asker> {
  const targets = ['todo', 'routes'].map((name) => readTargetFile(join(import.meta.dirname, `${name}.yaml`), '/'));
  const policies = readPolicyFolder(join(import.meta.dirname, 'policies'));
  const plane = await openControlPlane({ targets, policies });
  const listener = getRequestListener((request) => plane.app.fetch(request), { overrideGlobalObjects: false });
  const server = createServer((request, response) => void listener(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const agent = await agentSession(plane);
  const tokens = new Map<string, string>();
  for (const [subject, { email, groups }] of Object.entries(USERS)) {
    const person = await personSession(plane, subject, { email, email_verified: true, groups });
    const grant = ['todo', 'routes'].map((target) => ({ target, effects: ['read', 'write', 'delete'] }));
    const { id } = await requestTask(person, { grant, budget: { calls: 1000 } });
    for (const target of ['todo', 'routes'])
      tokens.set(`${subject} ${target}`, await tokenFor({ plane, agent }, id, target));
  }
  return {
    ask: async (endpoint, request, as = String(request.subject?.id)) => {
      const type = request.resource?.type ?? request.evaluations?.[0]?.resource?.type;
      const accessToken = tokens.get(`${as} ${type === 'route' ? 'routes' : 'todo'}`);
      if (accessToken === undefined) return { decision: 'nobody has begun a task for this subject' };
      const path = `/access/v1/${endpoint}`;
      const dpop = await agent.proof({ method: 'POST', url: `${ISSUER}${path}`, accessToken });
      const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, {
        method: 'POST',
        headers: { authorization: `DPoP ${accessToken}`, dpop, 'content-type': 'application/json' },
        body: JSON.stringify(request),
      });
      return answer.status === 200 ? ((await answer.json()) as Decided) : { decision: `status ${answer.status}` };
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await plane.close();
    },
  };
}

async function tokenFor(
  { plane, agent }: { plane: ControlPlane; agent: Session },
  task: string,
  target: string,
): Promise<string> {
  const answer = await agent.token({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: await subjectToken(agent, task),
    subject_token_type: 'urn:remit:params:oauth:token-type:task',
    actor_token: await plane.svid(SUMMARISER),
    actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    resource: `${ISSUER}/authzen/${target}`,
  });
  const { access_token: token } = (await answer.json()) as { access_token?: string };
  if (token === undefined) throw new Error('no token');
  return token;
}

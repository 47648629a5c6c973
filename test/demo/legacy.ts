import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentSession } from '../../src/cli/agent-session.ts';
import { openAgent } from '../harness/in-process-agent.ts';
import { requestTask } from '../harness/quickstart.ts';
import { root, startRemit, until, type RemitProcess } from '../harness/remit-process.ts';
import type { Act } from './acts.ts';
import { startLegacyService } from './legacy-service.ts';

const AGENT = 'spiffe://remit.local/agent/reporter';
const ADMIN_TOKEN = 'the-one-token-that-the-service-knows';
const HANDLE = /^remit[-_]/;

type Minted = { id: string; name: string; key: string };
type Lease = { id: string; kind: string; state: string; external_id?: string };

/** A service that knows one admin token, behind Remit: what a task mints there, nobody keeps. */
export async function legacy(): Promise<{ acts: Act[]; dispose: () => Promise<void> }> {
  let auditLog = '';
  let service: Awaited<ReturnType<typeof startLegacyService>> | undefined;
  const remit = await startRemit({
    env: { ADMIN_TOKEN },
    prepare: async (folder) => {
      auditLog = join(folder, 'audit.jsonl');
      service = await startLegacyService({ adminToken: ADMIN_TOKEN, auditLog });
      useExample(folder, service.url);
    },
  });
  const { url } = service!;
  const ask = (method: string, path: string, body?: object) => service!.ask(method, path, body);
  const agent = await openAgent(remit, AGENT);
  let task = '';
  let session: AgentSession;
  let minted: Minted = { id: '', name: '', key: '' };
  let ticket = '';

  const newTask = async (purpose: string) => {
    const grant = join(remit.folder, 'report.yaml');
    const { id } = await requestTask(remit, { agent: AGENT, purpose, grant, sensitivity: 'restricted' });
    return { id, session: await agent.session(id) };
  };
  const call = (by: AgentSession, method: string, path: string, init: { body?: object; key?: string } = {}) =>
    by.fetch(`${remit.url}/http/service${path}`, {
      method,
      headers: {
        ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(init.key === undefined ? {} : { 'x-api-key': init.key }),
      },
      ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
    });
  const report = (by: AgentSession, key: string) => call(by, 'GET', '/reports/usage', { key });
  const auditLines = () =>
    readFileSync(auditLog, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { path: string; principal: string });

  const acts: Act[] = [
    {
      name: 'the agent has no token of the service, and without one it is a stranger',
      expected: 'refused: 401',
      run: async () => `refused: ${(await fetch(`${url}/reports/usage`)).status}`,
    },
    {
      name: 'alice has a report made: the agent may make one key for it, and a ticket',
      expected: 'granted',
      run: async () => {
        ({ id: task, session } = await newTask('make the usage report'));
        return task === '' ? 'not granted' : 'granted';
      },
    },
    {
      name: 'the agent makes an API key, through Remit, which has the admin token',
      expected: 'made: the agent has a handle, and neither the key nor the admin token',
      run: async () => {
        const response = await call(session, 'POST', '/keys', { body: { name: 'report-usage' } });
        const text = await response.text();
        minted = JSON.parse(text) as Minted;
        const seen = /lk_[0-9a-f]{48}/.test(text) ? 'the key itself' : HANDLE.test(minted.key) ? 'a handle' : text;
        return `made: the agent has ${seen}, and ${text.includes(ADMIN_TOKEN) ? 'the admin token' : 'neither the key nor the admin token'}`;
      },
    },
    {
      name: 'a key under another name is refused before the service hears of it',
      expected: 'refused: 403, and the service has 1 key',
      run: async () => {
        const { status } = await call(session, 'POST', '/keys', { body: { name: 'admin' } });
        const { keys } = (await ask('GET', '/keys')).body as { keys: object[] };
        return `refused: ${status}, and the service has ${keys.length} key`;
      },
    },
    {
      name: 'the agent uses the key by its handle',
      expected: '200, and the service saw the key itself',
      run: async () => {
        const { status } = await report(session, minted.key);
        const last = auditLines().findLast(({ path }) => path === '/reports/usage');
        return `${status}, and the service saw ${last?.principal === minted.id ? 'the key itself' : last?.principal}`;
      },
    },
    {
      name: 'another task of the same agent cannot use the handle',
      expected: 'refused: 403',
      run: async () => {
        const other = await newTask('make another report');
        return `refused: ${(await report(other.session, minted.key)).status}`;
      },
    },
    {
      name: 'the agent opens a ticket',
      expected: 'opened: T-1, not hidden',
      run: async () => {
        const response = await call(session, 'POST', '/tickets', { body: { title: 'the usage report is ready' } });
        ticket = ((await response.json()) as { id: string }).id;
        return `opened: ${ticket}, not hidden`;
      },
    },
    {
      name: 'somebody uses the admin token around Remit',
      expected: '201',
      run: async () => String((await ask('POST', '/tickets', { title: 'made by hand' })).status),
    },
    {
      name: 'the task is completed',
      expected: 'the key is gone at the service (404), its handle is worth nothing, the ticket stays (200)',
      run: async () => {
        await remit.cli(['task', 'complete', task, '--as', 'alice']);
        await until(async () => (await ask('GET', `/keys/${minted.id}`)).status === 404, 10_000);
        const { status } = await report(session, minted.key);
        const left = (await ask('GET', `/tickets/${ticket}`)).status;
        return `the key is gone at the service (404), its handle is worth ${status === 200 ? 'a report' : 'nothing'}, the ticket stays (${left})`;
      },
    },
    {
      name: 'the ledger lists both',
      expected: 'secret revoked, ticket kept',
      run: async () => {
        const { stdout } = await remit.cli(['lease', 'list', '--task', task, '--as', 'alice', '--json']);
        const leases = stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as Lease)
          .toSorted((a, b) => a.kind.localeCompare(b.kind));
        return leases.map(({ kind, state }) => `${kind} ${state}`).join(', ');
      },
    },
    {
      name: "the service's own log is laid beside Remit's records",
      expected: 'bypass create_ticket',
      run: async () => reconciled(remit, auditLog),
    },
    {
      name: 'neither the key nor the admin token is in the log or the database',
      expected: 'in none',
      run: async () => {
        await remit.stop();
        const data = readFileSync(join(remit.dataDir, 'remit.db')).toString('latin1');
        const printed = remit.output();
        return [data, printed].some((text) => text.includes(ADMIN_TOKEN) || /lk_[0-9a-f]{48}/.test(text))
          ? 'found'
          : 'in none';
      },
    },
  ];

  return {
    acts,
    dispose: async () => {
      await agent.close();
      await remit.dispose();
      await service?.stop();
    },
  };
}

/** `examples/legacy` instead of the quickstart, with the service where it listens now. */
function useExample(folder: string, serviceUrl: string): void {
  rmSync(folder, { recursive: true });
  cpSync(join(root, 'examples/legacy'), folder, { recursive: true });
  const file = join(folder, 'targets/service.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('http://127.0.0.1:8090', serviceUrl));
}

/** What `remit reconcile` finds, as kind and operation. */
async function reconciled(remit: RemitProcess, events: string): Promise<string> {
  const mapping = join(remit.folder, 'mapping.yaml');
  const dir = join(remit.dataDir, 'log');
  const run = () =>
    remit.cli(['reconcile', '--target', 'service', '--events', events, '--mapping', mapping, '--dir', dir, '--json']);
  // The log is published a moment after its records are durable.
  let said = await run();
  await until(async () => (said = await run()).code !== 2, 5_000);
  if (said.stdout === '') return said.stderr;
  const { findings } = JSON.parse(said.stdout) as { findings: { kind: string; event: { operation: string } | null }[] };
  return findings.map(({ kind, event }) => `${kind} ${event?.operation}`).join(', ');
}

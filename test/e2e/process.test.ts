import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requestTask } from '../harness/quickstart.ts';
import { freePort, pathWithBins, root, startRemit, until, type RemitProcess } from '../harness/remit-process.ts';

const AGENT = 'spiffe://remit.local/agent/summariser';
const main = join(root, 'src/main.ts');
let remit: RemitProcess;

beforeAll(async () => {
  remit = await startRemit();
}, 30_000);
afterAll(() => remit.dispose());

const newTask = async () => {
  const grant = join(remit.folder, 'summarise.yaml');
  return (await requestTask(remit, { agent: AGENT, purpose: 'test', grant })).id;
};

const keyIds = async () => {
  const { keys } = (await (await fetch(`${remit.url}/jwks`)).json()) as { keys: { kid: string }[] };
  return keys.map((key) => key.kid);
};

describe('a restart', () => {
  test.each(['stop', 'kill'] as const)('after %s goes on with the same keys, tasks and log', async (how) => {
    const task = await newTask();
    const before = { keys: await keyIds(), vkey: readFileSync(join(remit.dataDir, 'log', 'log.pub'), 'utf8') };
    const code = how === 'stop' ? await remit.stop() : await remit.kill();
    if (how === 'stop') expect(code).toBe(0);
    await remit.start();
    expect(await keyIds()).toEqual(before.keys);
    expect(readFileSync(join(remit.dataDir, 'log', 'log.pub'), 'utf8')).toBe(before.vkey);
    const shown = await remit.cli(['task', 'show', task, '--as', 'alice', '--json']);
    expect(JSON.parse(shown.stdout)).toMatchObject({ id: task, state: 'active' });
    expect((await remit.cli(['log', 'verify'])).code).toBe(0);
  });
});

describe('the bridge', () => {
  test('lets an unmodified stdio client work under a task', async () => {
    const task = await newTask();
    const client = new Client({ name: 'plain', version: '1.0.0' });
    await client.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: [main, 'mcp', '--task', task, '--dev-id', AGENT],
        env: { PATH: pathWithBins, REMIT_URL: remit.url, REMIT_DATA: remit.dataDir },
      }),
    );
    const { tools } = await client.listTools();
    expect(tools.map((tool) => tool.name).sort()).toEqual(['list_directory', 'read_text_file', 'write_file']);
    const read = await client.callTool({ name: 'read_text_file', arguments: { path: 'notes/monday.md' } });
    expect(JSON.stringify(read.content)).toContain('# Monday');
    const denied = await client.callTool({ name: 'read_text_file', arguments: { path: 'private/salaries.md' } });
    expect(denied).toMatchObject({ isError: true });
    await remit.cli(['task', 'revoke', task, '--as', 'alice', '--reason', 'test']);
    const after = await client.callTool({ name: 'read_text_file', arguments: { path: 'notes/monday.md' } }).then(
      (result) => result.isError,
      () => 'refused',
    );
    expect([true, 'refused']).toContain(after);
    await client.close();
  });
});

describe('the bridge without a task', () => {
  test('requests one, and completes it when its client goes', async () => {
    const grant = join(remit.folder, 'summarise.yaml');
    const client = new Client({ name: 'plain', version: '1.0.0' });
    await client.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: [main, 'mcp', '--as', 'alice', '--dev-id', AGENT, '--purpose', 'from a client', '--grant', grant],
        env: { PATH: pathWithBins, REMIT_URL: remit.url, REMIT_DATA: remit.dataDir },
      }),
    );
    const read = await client.callTool({ name: 'read_text_file', arguments: { path: 'notes/monday.md' } });
    expect(JSON.stringify(read.content)).toContain('# Monday');
    await client.close();
    const own = async () => {
      const { stdout } = await remit.cli(['task', 'list', '--as', 'alice', '--json']);
      const tasks = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { purpose: string; state: string });
      return tasks.find((task) => task.purpose === 'from a client')?.state;
    };
    await expect.poll(own, { timeout: 10_000 }).toBe('completed');
  });
});

describe('policy that does not fit the targets', () => {
  test('is told of when the targets have been seen, and stays in force', async () => {
    const started = await startRemit({
      prepare: (folder) =>
        writeFileSync(
          join(folder, 'policies', 'stray.cedar'),
          'forbid (principal, action == Action::"files:read_text_file", resource)\n' +
            'when { context.args.pth == "notes/monday.md" };\n',
        ),
    });
    try {
      await until(() => started.output().includes('policy does not fit the targets'), 20_000);
      expect(started.output()).toMatch(/"file":"stray\.cedar","line":2.*args\.pth.*did you mean `path`/);
      const { stdout } = await started.cli(['policy', 'status', '--as', 'carol']);
      expect(stdout).toContain('sha256:');
    } finally {
      await started.dispose();
    }
  }, 60_000);
});

describe('a start that cannot be', () => {
  const serve = (...args: string[]) =>
    spawnSync(process.execPath, [main, 'serve', ...args], {
      encoding: 'utf8',
      timeout: 20_000,
      env: { ...process.env, PATH: pathWithBins },
    });
  const config = () => join(remit.folder, 'remit.yaml');

  test('on a taken port says so', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => holder.once('listening', resolve));
    const { port } = holder.address() as { port: number };
    const run = serve(
      '--dev',
      '--config',
      config(),
      '--listen',
      `127.0.0.1:${port}`,
      '--data',
      join(remit.folder, 'other'),
    );
    expect(run.status).toBe(78);
    expect(run.stderr.trim()).toMatch(/^remit: address 127\.0\.0\.1:\d+ is taken; stop what listens there/m);
    holder.close();
  });

  test('on a data folder that another process holds says so', async () => {
    const run = serve(
      '--dev',
      '--config',
      config(),
      '--listen',
      `127.0.0.1:${await freePort()}`,
      '--data',
      remit.dataDir,
    );
    expect(run.status).not.toBe(0);
    expect(run.stderr).toContain('held by another process');
    // And the one that holds it is unharmed.
    expect((await fetch(`${remit.url}/healthz`)).status).toBe(200);
    await newTask();
  });

  test('on a data folder that cannot be made says so', async () => {
    writeFileSync(join(remit.folder, 'plain'), '');
    const data = join(remit.folder, 'plain', 'data');
    const run = serve('--dev', '--config', config(), '--listen', `127.0.0.1:${await freePort()}`, '--data', data);
    expect(run.status).toBe(78);
    expect(run.stderr.trim().split('\n')).toHaveLength(1);
    expect(run.stderr).toContain('check the folder');
  });

  test('with development parts but without --dev says so', () => {
    const run = serve('--config', config());
    expect(run.status).toBe(78);
    expect(run.stderr).toContain('needs --dev');
  });

  test('without a configuration shows the usage', () => {
    expect(serve().status).toBe(2);
    expect(serve('--nonsense').stderr).toContain('--nonsense');
  });
});

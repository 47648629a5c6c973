import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { Conflict, RemitError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import { UsageError, type Io } from '../io.ts';
import { addTarget } from './add.ts';

const folder = mkdtempSync(join(tmpdir(), 'remit-target-add-'));
afterAll(() => rmSync(folder, { recursive: true }));

const API = join(folder, 'api.yaml');
writeFileSync(
  API,
  `openapi: 3.1.0
servers: [{ url: https://api.example }]
paths:
  /items:
    get: { operationId: list_items, summary: Lists items, responses: {} }
    post: { operationId: add_item, summary: Adds an item, responses: {} }
  /items/{id}: { delete: { operationId: delete_item, responses: {} } }
  /zap: { post: { operationId: zap, responses: {} } }
  /open: { post: { operationId: open_gate, responses: {} } }
`,
);

let out = '';
beforeEach(() => {
  out = join(mkdtempSync(join(folder, 'run-')), 'targets/api.yaml');
});

/** Runs the command as somebody who answers with these lines, or has no terminal. */
async function add(args: string[], { answers, json = false }: { answers?: string[]; json?: boolean } = {}) {
  const printed: string[] = [];
  const io: Partial<Io> = { out: (line) => printed.push(line), json };
  if (answers !== undefined) io.ask = async () => answers.shift() ?? null;
  // The command uses no more of it.
  const code = await addTarget(['openapi', API, '--name', 'api', '--out', out, ...args], io as Io);
  return { code, printed, effects: effectsIn(out) };
}

function effectsIn(file: string): Record<string, unknown> {
  const { operations } = parse(readFileSync(file, 'utf8')) as { operations: Record<string, JsonObject> };
  return Object.fromEntries(Object.entries(operations).map(([name, { effect }]) => [name, effect]));
}

const NONE = {
  list_items: undefined,
  add_item: undefined,
  delete_item: undefined,
  zap: undefined,
  open_gate: undefined,
};

describe('what is accepted', () => {
  test('is nothing, where nobody says anything', async () => {
    const { code, printed, effects } = await add([]);
    expect(code).toBe(0);
    expect(effects).toEqual(NONE);
    expect(printed.slice(-3)).toEqual([
      `${out}: 0 of 5 operations accepted`,
      '5 not: they are denied until `guess` is replaced by `effect`',
      'review it, and name it under `targets` in the configuration',
    ]);
  });

  test('is what is certain, or all, and what was set wins', async () => {
    const certain = { ...NONE, list_items: 'read', add_item: 'write', delete_item: 'delete' };
    expect((await add(['--accept-certain'])).effects).toEqual(certain);
    rmSync(out);
    const set = ['--set', 'zap=send:public', '--set', 'list_items=execute'];
    expect((await add(['--accept-certain', ...set])).effects).toEqual({
      ...certain,
      zap: 'send',
      list_items: 'execute',
    });
    expect(readFileSync(out, 'utf8')).toContain('# set by hand; guessed read, certain:');
    rmSync(out);
    expect((await add(['--accept'])).effects).toEqual({ ...certain, zap: 'write', open_gate: 'write' });
  });

  test('is what a person answers, of the rest one by one', async () => {
    const { effects } = await add([], { answers: ['y', 'nonsense', 'execute:restricted', 's'] });
    expect(effects).toEqual({
      ...NONE,
      list_items: 'read',
      add_item: 'write',
      delete_item: 'delete',
      zap: 'execute',
    });
  });

  test('is nothing more once that person has left', async () => {
    expect((await add([], { answers: ['n', '', 'q'] })).effects).toEqual({ ...NONE, delete_item: 'delete' });
    rmSync(out);
    expect((await add([], { answers: [] })).effects).toEqual(NONE);
  });

  test('is said to a program as one object a line', async () => {
    const { printed } = await add(['--accept-certain'], { json: true, answers: [] });
    expect(printed.map((line) => JSON.parse(line))).toContainEqual({
      operation: 'zap',
      request: 'POST /zap',
      body: 'none',
      guess: 'write',
      sensitivity: 'internal',
      certainty: 'guess',
      why: ['POST most often means write'],
      notes: [],
      effect: null,
      proposed: { resources: [], targets: [], content: [] },
      agreed: false,
    });
  });
});

describe('what is proposed of arguments', () => {
  const said = () => (parse(readFileSync(out, 'utf8')) as { operations: Record<string, JsonObject> }).operations;

  test('is shown, and says nothing until somebody agrees', async () => {
    const { printed } = await add(['--accept-certain']);
    expect(printed.join('\n')).toMatch(/delete_item .*\[resources item:\{path\.id\}\] {2}\[targets path\.id\]/);
    expect(said()['delete_item']).not.toHaveProperty('resources');
    expect(readFileSync(out, 'utf8')).toContain('    # resources: [ "item:{path.id}" ]\n    # targets: [ path.id ]\n');
  });

  test('is written where the command line or a person says so', async () => {
    await add(['--accept-certain', '--accept-arguments']);
    expect(said()['delete_item']).toMatchObject({ resources: ['item:{path.id}'], targets: ['path.id'] });
    rmSync(out);
    await add([], { answers: ['y', 's', 's', 'y'] });
    expect(said()['delete_item']).toMatchObject({ resources: ['item:{path.id}'], targets: ['path.id'] });
    rmSync(out);
    await add([], { answers: ['y', 's', 's', ''] });
    expect(said()['delete_item']).not.toHaveProperty('resources');
  });

  test('of what is not accepted stays a proposal, whatever is said', async () => {
    await add(['--set', 'zap=write', '--accept-arguments']);
    expect(said()['delete_item']).toEqual({ request: 'DELETE /items/{id}', guess: 'delete', sensitivity: 'internal' });
  });
});

test('only what is like a pattern is imported', async () => {
  expect((await add(['--only', '/items*', '--only', 'zap'])).effects).toEqual({
    list_items: undefined,
    add_item: undefined,
    delete_item: undefined,
    zap: undefined,
  });
});

test('a file that is there is left as it is', async () => {
  await add([]);
  const before = readFileSync(out, 'utf8');
  await expect(add(['--accept'])).rejects.toThrow(Conflict);
  expect(readFileSync(out, 'utf8')).toBe(before);
});

test.each<[string[], string]>([
  [['--set', 'zap=wrote'], 'expected OPERATION=EFFECT'],
  [['--set', 'zap'], 'expected OPERATION=EFFECT'],
  [['--set', 'zap=write:secret'], 'expected OPERATION=EFFECT'],
  [['--set', 'zip=write'], 'there is no operation `zip`'],
  [['more'], 'expected one FILE or URL'],
])('%j is refused, and nothing is written', async (args, message) => {
  await expect(add(args)).rejects.toThrow(UsageError);
  await expect(add(args)).rejects.toThrow(message);
  expect(() => readFileSync(out)).toThrow();
});

test.each([['remit'], ['Billing'], ['../x'], ['']])('a target is not called %j', async (name) => {
  await expect(addTarget(['openapi', API, '--name', name], {} as Io)).rejects.toThrow(UsageError);
});

test('a document is fetched from a URL, which a relative server is relative to', async () => {
  const server = createServer((request, answer) => {
    if (request.url !== '/docs/api.json') return void answer.writeHead(404).end();
    answer.end('{"openapi":"3.0.0","servers":[{"url":"../v1"}],"paths":{"/a":{"get":{"responses":{}}}}}');
  }).listen(0, '127.0.0.1');
  try {
    await new Promise((resolve) => server.once('listening', resolve));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const io = { out: () => {}, json: false } as Partial<Io> as Io;
    await addTarget(['openapi', `${origin}/docs/api.json`, '--name', 'api', '--out', out], io);
    expect(parse(readFileSync(out, 'utf8')).upstream).toEqual({ url: `${origin}/v1` });
    const missing = addTarget(['openapi', `${origin}/none`, '--name', 'none'], io);
    await expect(missing).rejects.toThrow('answered 404; check the URL');
    await expect(missing).rejects.toThrow(RemitError);
  } finally {
    server.close();
  }
});

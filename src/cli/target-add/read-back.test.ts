import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readTargetFile } from '../../config/target-file.ts';
import { openApiTarget } from '../../gateway/http/api-target.ts';
import type { Io } from '../io.ts';
import { addTarget } from './add.ts';

/** What is written is what a gateway starts with. */

const folder = mkdtempSync(join(tmpdir(), 'remit-read-back-'));
afterAll(() => rmSync(folder, { recursive: true }));
const examples = join(import.meta.dirname, '../../../examples/targets');

async function added(kind: string, example: string, args: string[]) {
  const out = join(mkdtempSync(join(folder, 'run-')), 'target.yaml');
  const io = { out: () => {}, json: true } as Partial<Io> as Io;
  await addTarget([kind, join(examples, example), '--name', 'example', '--out', out, ...args], io);
  return readTargetFile(out, folder);
}

test('an OpenAPI document becomes a target with routes and a credential', async () => {
  const config = await added('openapi', 'billing.yaml', ['--accept']);
  const target = openApiTarget(config);
  expect(target.routes.find('POST', ['invoices', '7', 'send'])).toMatchObject({
    route: { name: 'send_invoice', body: 'none', config: { effect: 'send' } },
    parameters: { invoice: '7' },
  });
  expect(config.credential).toMatchObject({ kind: 'header', name: 'authorization', value: { fromStore: 'example' } });
});

test('what is agreed of arguments names things and says where effects land', async () => {
  const { operations } = await added('openapi', 'billing.yaml', ['--accept', '--accept-arguments']);
  expect(operations['delete_key']).toMatchObject({
    resources: ['key:{path.user}/{path.key}'],
    targets: ['path.user', 'path.key'],
  });
});

test('of what is not accepted there is nothing', async () => {
  const config = await added('openapi', 'billing.yaml', ['--only', '/invoices*', '--set', 'list_invoices=read']);
  expect(Object.keys(config.operations)).toEqual(['list_invoices']);
  expect(openApiTarget(config).routes.find('POST', ['invoices', '7', 'send'])).toBeNull();
});

test('a GraphQL schema becomes a target with one endpoint', async () => {
  const config = await added('graphql', 'shop.graphql', ['--server', 'https://shop.example/graphql', '--accept']);
  expect(Object.values(config.operations).map(({ http }) => http?.graphql?.kind)).toEqual([
    'query',
    'query',
    'mutation',
    'mutation',
  ]);
  expect(openApiTarget(config).routes.find('POST', ['graphql'])).not.toBeNull();
});

test('the tools of a server become a target that speaks MCP', async () => {
  const config = await added('mcp', 'files-tools.json', ['--server', 'https://files.example/mcp', '--accept']);
  expect(config).toMatchObject({
    kind: 'mcp',
    upstream: { kind: 'http', url: 'https://files.example/mcp' },
    operations: { read_file: { effect: 'read' }, wipe: { effect: 'delete' } },
  });
});

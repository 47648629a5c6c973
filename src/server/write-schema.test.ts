import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openControlPlane } from '../../test/fixtures/control-plane.ts';
import { schemaDocuments } from './write-schema.ts';

const folder = join(import.meta.dirname, '../../schema');

test.each(Object.entries(schemaDocuments()))('schema/%s is what the code says: npm run schema', (name, text) => {
  expect(readFileSync(join(folder, name), 'utf8')).toBe(text);
});

test('the document that is served is the one that is checked in', async () => {
  const plane = await openControlPlane();
  const served: unknown = await (await plane.app.request('/openapi.json')).json();
  expect(served).toEqual(JSON.parse(readFileSync(join(folder, 'openapi.json'), 'utf8')));
  await plane.close();
});

import { expect, test } from 'vitest';
import { guessed } from '../guess.ts';
import { importMcp } from './import.ts';

const upstream = { http: { url: 'https://files.example/mcp' } };
const tools = (list: unknown[]) => importMcp({ from: 'files', tools: list, upstream });

test('each tool is an operation, with nothing but a guess', () => {
  const { operations } = tools([
    { name: 'read_file', description: 'Reads a file.', annotations: { readOnlyHint: true } },
    { name: 'drop_all', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true, destructiveHint: false } },
    { name: '__proto__', description: 7, inputSchema: [], annotations: 'none' },
  ]);
  expect(guessed(operations).map(({ operation, guess, accepted }) => [operation.name, guess.effect, accepted])).toEqual(
    [
      ['read_file', 'read', null],
      ['drop_all', 'delete', null],
      ['__proto__', 'write', null],
    ],
  );
});

test.each<[unknown[], string]>([
  [[], 'lists no tool'],
  [[{ description: 'x' }], 'lists a tool without a name'],
  [['x'], 'lists a tool without a name'],
  [[{ name: 'a' }, { name: 'a' }], 'lists the tool `a` twice'],
])('%j is refused', (list, message) => {
  expect(() => tools(list)).toThrow(message);
});

import { expect, test } from 'vitest';
import { readBody } from './read-body.ts';

const MAX = 4 * 1024 * 1024;

function read(body: string | Uint8Array<ArrayBuffer>, contentType = 'application/json') {
  return readBody(
    new Request('http://x.test/', { method: 'POST', headers: { 'content-type': contentType }, body }),
    MAX,
  );
}
const call = (args: string) =>
  `{"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "x", "arguments": ${args}}}`;

/** Bodies that would be read as another than was sent, or not at all, with the answer that says so. */
const REFUSED: [string, string, number, RegExp][] = [
  ['a number that is none', call('{"a": 1e400}'), 400, /`\/params\/arguments\/a` is a number that cannot be kept/],
  ['a rounded integer', call('{"a": [0, {"b": 9007199254740993}]}'), 400, /`\/params\/arguments\/a\/1\/b` is a number/],
  ['an integer written as a fraction', call('{"a": 9007199254740993.0}'), 400, /is a number that cannot be kept/],
  ['a member __proto__', call('{"__proto__": {"a": 1}}'), 400, /`\/params\/arguments\/__proto__` is a reserved/],
  ['one deep inside', call('{"a": [[{"b": {"__proto__": 1}}]]}'), 400, /\/a\/0\/0\/b\/__proto__` is a reserved/],
  ['half a character', call('{"a": "\\ud83d"}'), 400, /`\/params\/arguments\/a` is not well-formed/],
  ['half a character in a name', call('{"\\ud83d": 1}'), 400, /has a member name that is not well-formed/],
  ['lists a hundred deep', call(`{"a": ${'['.repeat(100)}${']'.repeat(100)}}`), 400, /is nested deeper than 64 levels/],
  ['lists a million deep', call(`{"a": ${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`), 400, /is nested deeper/],
  ['open lists', '['.repeat(2_000_000), 400, /is not JSON/],
  ['ten megabytes', call(`{"a": "${'x'.repeat(10_000_000)}"}`), 413, /larger than 4194304 bytes/],
  ['NUL', '\0', 400, /is not JSON/],
  ['nothing', '', 400, /is not JSON/],
  ['a number', '7', 400, /not a JSON-RPC message/],
  ['a batch', `[${call('{}')}]`, 400, /batches are not supported/],
  ['another NaN', call('{"a": NaN}'), 400, /is not JSON/],
];
test.each(REFUSED)('%s is refused', async (_name, body, status, message) => {
  const answer = await read(body);
  if (!('refused' in answer)) throw new Error('was taken');
  expect(answer.refused.status).toBe(status);
  expect(JSON.stringify(answer.refused)).toMatch(message);
});

test('what is odd and well-formed is read as it came', async () => {
  const args =
    '{"constructor": 1, "toString": {"hasOwnProperty": -0}, "": "", "a": 0.1, "b": [[]], "c": "\\u0000😀", "length": 2}';
  const answer = await read(call(args));
  if (!('read' in answer) || answer.read.kind !== 'request') throw new Error('was refused');
  expect(answer.read.message.params).toEqual({ name: 'x', arguments: JSON.parse(args) });
});

test('a million members are read', async () => {
  const answer = await read(call(`{"a": [${'0,'.repeat(1_000_000)}0]}`));
  expect('read' in answer).toBe(true);
});

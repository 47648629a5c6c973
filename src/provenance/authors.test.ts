import { expect, test } from 'vitest';
import type { JsonValue } from '../core/json.ts';
import { authorLabels, MORE_AUTHORS, UNKNOWN_AUTHOR } from './authors.ts';

test.each<[what: string, value: JsonValue, pointer: string, labels: string[]]>([
  ['a member', { from: 'Ana@Example.org ' }, '/from', ['author:ana@example.org']],
  ['a nested one', { 'a/b': { from: 7 } }, '/a~1b/from', ['author:7']],
  ['each item of a list, each name once', [{ by: 'b' }, { by: 'a' }, { by: 'B' }], '/by', ['author:b', 'author:a']],
  ['lists on the way', { mails: [{ to: ['x', 'y'] }] }, '/mails/to', ['author:y', 'author:x']],
  ['the value itself', 'ana', '', ['author:ana']],
  ['nothing there', { sender: 'ana' }, '/from', [UNKNOWN_AUTHOR]],
  ['one item without it', [{ by: 'a' }, {}], '/by', [UNKNOWN_AUTHOR, 'author:a']],
  ['an inherited name', {}, '/constructor', [UNKNOWN_AUTHOR]],
  ['no text', { from: { name: 'ana' } }, '/from', [UNKNOWN_AUTHOR]],
  ['text with a sign that is not seen', { from: 'ana\u200b' }, '/from', [UNKNOWN_AUTHOR]],
  ['a text too long', { from: 'a'.repeat(201) }, '/from', [UNKNOWN_AUTHOR]],
  ['a text that is no JSON', 'From: ana', '/from', [UNKNOWN_AUTHOR]],
  ['no items', { mails: [] }, '/mails', [UNKNOWN_AUTHOR]],
])('%s', (_what, value, pointer, labels) => {
  expect(authorLabels(value, pointer, []).toSorted()).toEqual(labels.toSorted());
});

test('a task knows a hundred authors; of more, that there are more', () => {
  const crowd = Array.from({ length: 150_000 }, (_, at) => ({ by: `a${at}` }));
  const first = authorLabels(crowd, '/by', []);
  expect([first.length, first.at(-1)]).toEqual([101, MORE_AUTHORS]);
  expect(authorLabels([{ by: 'new' }], '/by', first)).toEqual([MORE_AUTHORS]);
});

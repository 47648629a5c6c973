import fc from 'fast-check';
import { expect, test } from 'vitest';
import { memoryKeys } from '../../test/fixtures/memory-keys.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import { readPointer } from '../core/json-pointer.ts';
import { createHeldValues } from './held-values.ts';
import { isGone } from './is-gone.ts';
import { mapTexts, namedTexts } from './map-texts.ts';
import { formsOf, mask, masked } from './mask.ts';
import { screenLines } from './screen-stream.ts';
import { askedFor, fill } from './template.ts';
import { createValueSeal } from './value-seal.ts';

test.each<[pointer: string, found: JsonValue | undefined]>([
  ['', { a: { 'b/c': [1, { '~': 'x' }] }, '': 2 }],
  ['/a/b~1c/0', 1],
  ['/a/b~1c/1/~0', 'x'],
  ['/', 2],
  ['/a/b~1c/01', undefined],
  ['/a/b~1c/-', undefined],
  ['/a/none/x', undefined],
  ['/toString', undefined],
  ['/a/b~1c/length', undefined],
  ['a', undefined],
])('RFC 6901: %j', (pointer, found) => {
  expect(readPointer({ a: { 'b/c': [1, { '~': 'x' }] }, '': 2 }, pointer)).toEqual(found);
});

test('a template takes values as they are, texts within texts, and nothing that is not there', () => {
  const filling = { id: 'key-1', value: 'remit-lease-x', arguments: { user: { n: 7, deep: ['a'] }, text: '{id}' } };
  expect(fill({ id: '{id}', n: '{/user/n}', path: '/u/{/user/n}/{id}', list: ['{/user/deep}'] }, filling)).toEqual({
    id: 'key-1',
    n: 7,
    path: '/u/7/key-1',
    list: [['a']],
  });
  // What stands in an argument is no template.
  expect(fill({ a: '{/text}', b: 'x{/text}', c: '{value}' }, filling)).toEqual({
    a: '{id}',
    b: 'x{id}',
    c: 'remit-lease-x',
  });
  for (const template of ['{/none}', 'x{/none}', 'x{/user}', { a: ['{/none}'] }]) {
    expect(fill(template, filling)).toBeUndefined();
  }
  expect(fill('{id}', { ...filling, id: null })).toBeUndefined();
});

test('what templates ask for is kept, and nothing else of the arguments', () => {
  const args: JsonObject = { user: { name: 'ana', secret: 's' }, list: [{ id: 1 }], 'a/b': true };
  const templates: JsonValue[] = [{ u: '{/user/name}', x: ['{/list/0/id}', '{/none}'] }, '{/a~1b} {id}'];
  const kept = askedFor(templates, args);
  expect(kept).toEqual({ user: { name: 'ana' }, list: { 0: { id: 1 } }, 'a/b': true });
  const filling = { id: 'i', value: null };
  expect(fill(templates[1]!, { ...filling, arguments: kept })).toEqual(
    fill(templates[1]!, { ...filling, arguments: args }),
  );
  expect(fill('{/list/0/id}', { ...filling, arguments: kept })).toBe(1);
  expect(askedFor(['{/__proto__/x}'], JSON.parse('{"__proto__":{"x":1}}') as JsonObject)).toEqual(
    JSON.parse('{"__proto__":{"x":1}}'),
  );
});

test('INVARIANT 7: a value is in no form of it that JSON or a URL gives', () => {
  const secret = fc
    .string({ unit: 'grapheme', minLength: 4, maxLength: 40 })
    .filter((text) => !/[#"{},:\\[\]]/.test(text));
  const any = fc.oneof(secret, fc.array(secret), fc.dictionary(secret, secret)) as fc.Arbitrary<JsonValue>;
  fc.assert(
    fc.property(secret, any, (value, around) => {
      const whole = {
        around,
        value,
        text: `a ${value} b`,
        url: `x?y=${encodeURIComponent(value)}`,
        json: JSON.stringify({ value }),
      };
      const hidden = mapTexts(whole, (text) => mask(text, [masked(value, '#')])) as typeof whole;
      const told = JSON.stringify(hidden.around) + hidden.value + hidden.json + hidden.text + hidden.url;
      for (const form of formsOf(value)) expect(told.split('#').filter((part) => part.includes(form))).toEqual([]);
      expect([hidden.text, hidden.url]).toEqual(['a # b', 'x?y=#']);
    }),
  );
});

test('a task sees the handle of its own lease before another’s, and nothing by what another has only found', () => {
  const values = createHeldValues();
  const lease = (id: string, task: string, kind: 'secret' | 'found' = 'secret') => ({
    id: `lse_${id.repeat(24)}`,
    task,
    kind,
    usableAt: ['keys'],
  });
  values.add(lease('a', 't1'), 'shared-value');
  values.add(lease('b', 't2'), 'shared-value');
  values.add(lease('c', 't1', 'found'), 'found-value');
  values.add(lease('d', 't1'), 'short');
  const hide = (task: string, target = 'keys') => values.hide({ target, task }, 'shared-value found-value short');
  expect(hide('t1')).toBe(`remit-lease-${'a'.repeat(24)} remit-lease-${'c'.repeat(24)} short`);
  expect(hide('t2')).toBe(`remit-lease-${'b'.repeat(24)} found-value short`);
  expect(hide('t3')).toBe(`remit-lease-${'a'.repeat(24)} found-value short`);
  expect(hide('t1', 'other')).toBe('shared-value found-value short');
  expect(values.at('keys')).toEqual(['shared-value', 'shared-value']);
  expect(values.find('t1', 'found-value')).toBe(lease('c', 't1').id);
  for (const id of ['a', 'b', 'c', 'd']) values.forget(lease(id, '').id);
  expect(hide('t1')).toBe('shared-value found-value short');
});

test('a sealed value opens for its lease alone', () => {
  const seal = createValueSeal(memoryKeys());
  const sealed = seal.seal('lse_1', 'the value ä');
  expect(seal.open('lse_1', sealed)).toBe('the value ä');
  expect(() => seal.open('lse_2', sealed)).toThrow();
});

test('a stream of text is screened line by line, however it is cut, and what is no secret passes byte for byte', () => {
  const secret = 'ghp_wJ8kq2ZtR5vXn1LbYc7Hd3MfPa9Gs0TeUi6K';
  const text = Buffer.from(`ä\u0000 one\n${secret} two\nthree ${secret}`);
  const expected = text.toString('latin1').replaceAll(secret, `[redacted]${'*'.repeat(secret.length - 10)}`);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: text.length }), { maxLength: 6 }), (cuts) => {
      const stripper = screenLines('', () => {}).begin();
      const places = [0, ...cuts.toSorted((a, b) => a - b), text.length];
      const passed = places.slice(1).map((to, place) => stripper.write(text.subarray(places[place], to)));
      expect(Buffer.concat([...passed, stripper.end()]).toString('latin1')).toBe(expected);
    }),
  );
  const long = screenLines('', () => {}).begin();
  const line = Buffer.from('x'.repeat(200_000));
  expect(long.write(line).length + long.end().length).toBe(200_000);
  expect(screenLines(secret, () => {}).text(secret)).toBe(secret);
});

test('what is not found is what has the very identifier, and not one that holds it', () => {
  const end = { by: 'call', operation: 'delete_key', arguments: {}, gone: [] } as const;
  const gone = (text: string, identifier: string) =>
    isGone({ said: 'refused', text, gone: false }, { identifier, end });
  expect(gone('Key 1 not found', '1')).toBe(true);
  expect(gone('not found: `k/1`.', 'k/1')).toBe(true);
  expect(gone('not_found {"id":"K-1"}', 'k-1')).toBe(true);
  expect(gone('user 17 not found', '1')).toBe(false);
  expect(gone('user ana1 not found', '1')).toBe(false);
  expect(gone('key 1 is in use', '1')).toBe(false);
});

test('texts of a value that is nested as deep as anybody likes come in order, each under its name', () => {
  const deep = JSON.parse(`${'['.repeat(50_000)}"in"${']'.repeat(50_000)}`) as JsonValue;
  const whole: JsonObject = { a: ['x', { b: 'y' }], deep, c: 'z' };
  expect([...namedTexts(whole)]).toEqual([
    { name: 'a', text: 'x' },
    { name: 'b', text: 'y' },
    { name: 'deep', text: 'in' },
    { name: 'c', text: 'z' },
  ]);
});

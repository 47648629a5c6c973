import { expect, test } from 'vitest';
import { notesOn, visible } from './visible.ts';

test.each([
  ['plain text, é, 日本 and 😀', 'plain text, é, 日本 and 😀'],
  ['a\u001b[2Jb\u0000\n', 'a\\u{1b}[2Jb\\u{0}\\u{a}'],
  ['in\u202evoice\u2066\u200f', 'in\\u{202e}voice\\u{2066}\\u{200f}'],
  ['ad\u200bmin\u2060\ufeff\u00ad', 'ad\\u{200b}min\\u{2060}\\u{feff}\\u{ad}'],
  ['\u3164\u115f\u2800\u034f', '\\u{3164}\\u{115f}\\u{2800}\\u{34f}'],
  ['a\u00a0b\u3000c d', 'a\\u{a0}b\\u{3000}c d'],
  ['x\ufe0f\u{e0041}', 'x\\u{fe0f}\\u{e0041}'],
  ['\u2028\u2029\ud800', '\\u{2028}\\u{2029}\\u{d800}'],
])('%j is shown as %j', (text, shown) => {
  expect(visible(text)).toBe(shown);
});

test.each([
  ['two\nlines\tand é', []],
  ['ad\u200bmin', ['hidden_characters']],
  ['exe.\u202egpj', ['hidden_characters', 'turns_text_around']],
  ['cafe\u0301', ['unusual_normal_form']],
  ['p\u0430ypal', ['mixed_scripts']],
  ['Привет and hello', []],
  ['αβγ-abc', []],
  ['αbc', ['mixed_scripts']],
])('%j: %j', (text, notes) => {
  expect(notesOn(text)).toEqual(notes);
});

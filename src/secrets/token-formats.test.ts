import { describe, expect, it } from 'vitest';
import { TOKEN_FORMATS } from './token-formats.ts';
import { matchEnd, readPattern } from './token-pattern.ts';

describe('patterns of tokens', () => {
  it('read literal texts and runs of a class', () => {
    const pattern = readPattern('abc_<d2-3>.<h4>');
    const end = (text: string) => matchEnd(text, 0, pattern);
    expect(end('abc_12.beef')).toBe(11);
    expect(end('abc_123.BEEF rest')).toBe(12);
    expect(end('abc_1.beef'), 'too short').toBe(-1);
    expect(end('abc_1234.beef'), 'too long').toBe(-1);
    expect(end('abc_12.beefs'), 'goes on').toBe(-1);
    expect(end('abc_12-beef'), 'another separator').toBe(-1);
  });

  it('refuse what is no pattern', () => {
    for (const written of ['<a3>', 'x<z3>', 'x<a>', 'x<a3', ''])
      expect(() => readPattern(written), written).toThrow('not a pattern');
  });

  it('begin with at least two characters that a token can begin at, and are bounded', () => {
    for (const { rule, pattern } of TOKEN_FORMATS) {
      expect(pattern.prefix, rule).toMatch(/^[A-Za-z0-9_][\x21-\x7e]/);
      const longest = pattern.parts.reduce(
        (sum, part) => sum + (typeof part === 'string' ? part.length : part.most),
        0,
      );
      expect(longest, rule).toBeLessThan(10_000);
    }
  });
});

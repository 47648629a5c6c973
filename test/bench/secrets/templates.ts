import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One text, the kind of what it holds or looks like, and whether there is a secret in it. */
export type Vector = { rule: string; label: 'secret' | 'not_secret'; text: string };

/**
 * The texts of a table such as unseen-1.txt. Secrets are made when it is read, the same in each run, so that no scanner finds
 * one in the repository; a value that stands by itself is put into two contexts.
 */
export function readTemplates(file: string): Vector[] {
  const random = seeded(66);
  const vectors: Vector[] = [];
  let section = '';
  const lines = readFileSync(join(import.meta.dirname, file), 'utf8').split('\n');
  for (const [at, line] of lines.entries()) {
    if (line.startsWith('= ')) section = line.slice(2);
    if (line.startsWith('#') || !line.includes(' | ')) continue;
    const [rule = '', ...cells] = line.split(' | ');
    if (section === 'secret' || section === 'harmless') {
      const label = section === 'secret' ? 'secret' : 'not_secret';
      vectors.push({ rule, label, text: made(cells.join(' | '), random).replaceAll('\\n', '\n') });
      continue;
    }
    const [name = '', value = ''] = section === 'named' ? cells : ['', cells.join(' | ')];
    const contexts = section === 'named' ? NAMED : MARKED;
    for (const step of [0, 5]) {
      const context = contexts[(at + step) % contexts.length]!;
      vectors.push({ rule, label: 'secret', text: context(made(value, random), name) });
    }
  }
  return vectors;
}

type Context = (value: string, name: string) => string;

/** Where a value that says itself what it is may stand. */
const MARKED: readonly Context[] = [
  (value) => value,
  (value) => `{"value":"${value}"}`,
  (value) => `export SERVICE=${value}`,
  (value) => `The one for production is ${value}, keep it safe.`,
  (value) => `client = Client("${value}")`,
  (value) => `Authorization: Bearer ${value}`,
  (value) => `https://api.example.org/v1/things?auth=${value}&page=2`,
  (value) => `  credential: "${value}"  # production`,
  (value) => `<Setting>${value}</Setting>`,
  (value) => `tool --auth ${value} --verbose`,
  (value) => `| production | ${value} |`,
];

/** How a value stands under a name that says what it is. */
const NAMED: readonly Context[] = [
  (value, name) => `${name}=${value}`,
  (value, name) => `{"${camel(name)}":"${value}","region":"eu"}`,
  (value, name) => `${name}: ${value}`,
  (value, name) => `const ${camel(name)} = "${value}";`,
  (value, name) => `export ${name.toUpperCase()}=${value}`,
  (value, name) => `<${name}>${value}</${name}>`,
  (value, name) => `'${name}' => '${value}',`,
  (value, name) => `${name} := "${value}"`,
  (value, name) => `tool --${name.replaceAll('_', '-')}=${value}`,
  (value, name) => `env:\n  - name: ${name.toUpperCase()}\n    value: "${value}"`,
  (value, name) => `set${camel(`_${name}`)}('${value}')`,
];

const camel = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const DIGITS = '0123456789';
const BOTH = LOWER + LOWER.toUpperCase() + DIGITS;
const ALPHABETS: Readonly<Record<string, string>> = {
  h: '0123456789abcdef',
  H: '0123456789ABCDEF',
  d: DIGITS,
  l: LOWER,
  a: LOWER + DIGITS,
  A: LOWER.toUpperCase() + DIGITS,
  w: BOTH,
  u: `${BOTH}-_`,
  b: `${BOTH}+/`,
};

/** The template with a value in each of its places. */
function made(template: string, random: () => number): string {
  const draw = (alphabet: string, length: number): string =>
    Array.from({ length }, () => alphabet[Math.floor(random() * alphabet.length)]!).join('');
  const hex = (length: number) => draw(ALPHABETS['h']!, length);
  return template
    .replaceAll('·', '')
    .replaceAll('{uuid}', () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`)
    .replaceAll('{basic}', () => Buffer.from(`deploy:${draw(BOTH, 16)}`).toString('base64'))
    .replaceAll('{jwt}', () => {
      const part = (object: object) => Buffer.from(JSON.stringify(object)).toString('base64url');
      return `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ sub: hex(12), iat: 1_760_000_000 })}.${draw(ALPHABETS['u']!, 86)}`;
    })
    .replace(/\{([hHdlaAwub]):(\d+)\}/g, (_, kind: string, length: string) => {
      // The last of a base64url value is no sign, as what issuers give out has it seldom.
      const text = draw(ALPHABETS[kind]!, Number(length));
      return text.replace(/^[-_]|[-_+/]$/g, () => draw(BOTH, 1));
    });
}

/** Numbers from 0 to 1, the same in each run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { findSecrets, type FoundSecret } from '../../src/secrets/find-secrets.ts';
import { rounded, type Figure } from './figures.ts';
import { readTemplates, type Vector } from './secrets/templates.ts';

const VECTORS = fileURLToPath(new URL('../../../shared/data/secrets/vectors.jsonl.gz', import.meta.url));

/** Tables of our own, each written before the finder was run on it. */
const TABLES = ['unseen-1', 'unseen-2'];

/**
 * How many of a corpus' secrets are found, and how many texts without one raise an alarm; beside a kept library of rules.
 * What is `possible` only raises no alarm and counts as missed, since nothing is masked for it; it is told apart.
 */
export async function benchSecrets(data = VECTORS, say: (line: string) => void = () => {}): Promise<Figure[]> {
  if (!existsSync(data)) throw new Error(`no vectors at \`${data}\`; name a file with --data`);
  const figures = await figuresOf('secrets', readVectors(data), say);
  if (data !== VECTORS) return [...figures, ...speeds()];
  for (const table of TABLES) {
    say(`\n${table}.txt:`);
    figures.push(...(await figuresOf(`secrets.${table.replace('-', '_')}`, readTemplates(`${table}.txt`), say)));
  }
  return [...figures, ...speeds()];
}

async function figuresOf(name: string, vectors: readonly Vector[], say: (line: string) => void): Promise<Figure[]> {
  const own = (text: string) => findSecrets(text).filter(isActedOn).length > 0;
  const library = await libraryOfRules();
  const missed = new Map<string, number>();
  const counts = { secret: 0, not_secret: 0 };
  const hits = { own: 0, ownFalse: 0, any: 0, anyFalse: 0, library: 0, libraryFalse: 0, libraryOnly: 0 };
  for (const { rule, label, text } of vectors) {
    counts[label]++;
    const byOwn = own(text);
    const byAny = findSecrets(text).length > 0;
    const byLibrary = await library(text);
    if (label === 'secret') {
      if (byOwn) hits.own++;
      else missed.set(rule, (missed.get(rule) ?? 0) + 1);
      hits.any += Number(byAny);
      hits.library += Number(byLibrary);
      hits.libraryOnly += Number(byLibrary && !byAny);
    } else {
      if (byOwn)
        say(
          `false alarm, ${rule}: ${findSecrets(text)
            .filter(isActedOn)
            .map((found) => found.rule)
            .join(', ')}`,
        );
      hits.ownFalse += Number(byOwn);
      hits.anyFalse += Number(byAny);
      hits.libraryFalse += Number(byLibrary);
    }
  }
  const share = (count: number, of: number) => (of === 0 ? 0 : rounded(count / of));
  return [
    { name: `${name}.recall`, value: share(hits.own, counts.secret), unit: 'share', note: `of ${counts.secret}` },
    {
      name: `${name}.false_alarms`,
      value: share(hits.ownFalse, counts.not_secret),
      unit: 'share',
      note: `of ${counts.not_secret}`,
    },
    { name: `${name}.recall.possible`, value: share(hits.any, counts.secret), unit: 'share' },
    { name: `${name}.false_alarms.possible`, value: share(hits.anyFalse, counts.not_secret), unit: 'share' },
    { name: `${name}.library.recall`, value: share(hits.library, counts.secret), unit: 'share' },
    { name: `${name}.library.false_alarms`, value: share(hits.libraryFalse, counts.not_secret), unit: 'share' },
    { name: `${name}.library.only`, value: hits.libraryOnly, unit: 'texts' },
    ...[...missed].map(([rule, count]) => ({ name: `${name}.missed.${rule}`, value: count, unit: 'texts' })),
  ];
}

const isActedOn = ({ certainty }: FoundSecret) => certainty !== 'possible';

function readVectors(file: string): Vector[] {
  const bytes = readFileSync(file);
  const text = (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString('utf8');
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, at) => {
      const vector = JSON.parse(line) as Vector;
      if (typeof vector.text !== 'string' || (vector.label !== 'secret' && vector.label !== 'not_secret'))
        throw new Error(`line ${at + 1} of \`${file}\` is no vector: it takes \`rule\`, \`label\` and \`text\``);
      return vector;
    });
}

/** The recommended rules of secretlint, as it is published. */
async function libraryOfRules(): Promise<(text: string) => Promise<boolean>> {
  const { lintSource } = await import('@secretlint/core');
  const { creator } = await import('@secretlint/secretlint-rule-preset-recommend');
  const config = { rules: [{ id: '@secretlint/secretlint-rule-preset-recommend', rule: creator, options: {} }] };
  return async (content) => {
    const source = { filePath: '/text.txt', content, contentType: 'text' as const };
    const { messages } = await lintSource({ source, options: { config, noPhysicFilePath: true } });
    return messages.length > 0;
  };
}

/** Megabytes a second over an ordinary answer, and over the slowest of texts that were made to be slow. */
function speeds(): Figure[] {
  const answer = JSON.stringify(
    Array.from({ length: 8_000 }, (_, n) => ({
      id: n,
      customer: `Customer ${n}`,
      email: `c${n}@example.com`,
      createdAt: '2026-01-01T00:00:00Z',
      items: [{ sku: `AB-${n}`, count: 3, note: 'Delivered to the door, thanks' }],
    })),
  );
  const hostile = ['a', 'key=', 'token="', 'eyJ.', '://a:b', '-----BEGIN PRIVATE KEY-----\n', 'curl -u a:b ', 'ghp_/'];
  const slowest = Math.min(...hostile.map((piece) => speedOver(piece.repeat(1e6 / piece.length))));
  return [
    { name: 'secrets.speed', value: rounded(speedOver(answer)), unit: 'MB/s' },
    { name: 'secrets.speed.hostile', value: rounded(slowest), unit: 'MB/s' },
  ];
}

function speedOver(text: string): number {
  let best = 0;
  for (let turn = 0; turn < 7; turn++) {
    const from = performance.now();
    findSecrets(text);
    best = Math.max(best, text.length / 1e3 / (performance.now() - from));
  }
  return best;
}

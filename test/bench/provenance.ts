import type { JsonObject } from '../../src/core/json.ts';
import { createProvenance } from '../../src/provenance/provenance.ts';
import { heapMiB, percentile, rounded, type Figure } from './figures.ts';

const MIB = 2 ** 20;
const ACTIONS = 2_000;

/** What one action adds for a task that has read so much: every value of its arguments is looked up. */
export function benchProvenance(): Figure[] {
  // Not counted: what the first mebibyte makes the engine compile would be held against the index.
  measured('warm-up', 1, { results: 8 * 1024 });
  return [...measured('1MiB', 1, { results: 8 * 1024 }), ...measured('50MiB', 50, { results: 64 * 1024 })];
}

function measured(name: string, mib: number, { results }: { results: number }): Figure[] {
  const random = generator(mib);
  // Memory beside the heap is given back with the collection after the one that found it.
  heapMiB();
  const before = heapMiB();
  const provenance = createProvenance();
  provenance.add(
    { id: 'prompt', origin: 'prompt' },
    'Pay the open invoices of anna.berg@example.com and tell her about it.',
  );
  let took = 0;
  const known: string[] = [];
  for (let read = 0; read < mib * MIB; read += results) {
    const text = resultText(random, results);
    const values = text.match(/\S+@\S+|CH\d{19}/g) ?? [];
    // A copy: a slice of a text would keep all of it.
    known.push(Buffer.from(values[random(values.length)] ?? '').toString());
    const start = performance.now();
    // One in four is of a system that nobody else writes to.
    provenance.add({ id: `rec_${read}`, origin: random(4) === 0 ? 'trusted' : 'untrusted' }, text);
    took += performance.now() - start;
  }
  heapMiB();
  const held = heapMiB() - before;
  const actions = Array.from({ length: ACTIONS }, () => action(random, known));
  for (const args of actions.slice(0, 500)) provenance.of(args);
  const samples = actions.map((args) => {
    const from = process.hrtime.bigint();
    provenance.of(args);
    return Number(process.hrtime.bigint() - from) / 1000;
  });
  const { size } = provenance;
  const figure = (what: string, value: number, unit: string) => ({
    name: `provenance.${what}.${name}`,
    value: rounded(value),
    unit,
  });
  return [
    figure('p50', percentile(samples, 0.5), 'µs'),
    figure('p99', percentile(samples, 0.99), 'µs'),
    figure('memory', (held * MIB) / size.read, 'times'),
    figure('counted', size.held / size.read, 'times'),
    figure('add', size.read / MIB / (took / 1000), 'MiB/s'),
  ];
}

/** Arguments as agents send them: a recipient, an amount, a date, a reference and a text of two sentences. */
export function action(random: (below: number) => number, known: readonly string[]): JsonObject {
  const kind = random(4);
  const recipient = kind === 0 ? 'anna.berg@example.com' : kind === 1 ? address(random) : known[random(known.length)]!;
  return {
    recipient,
    amount: random(100_000) / 100,
    date: `2026-${String(1 + random(12)).padStart(2, '0')}-${String(1 + random(28)).padStart(2, '0')}`,
    reference: `INV-${random(1_000_000)}`,
    text: `Dear Anna, the invoice over the ${word(random)} of ${word(random)} has been paid. ${sentence(random)}`,
  };
}

export function resultText(random: (below: number) => number, length: number): string {
  const lines: string[] = [];
  for (let size = 0; size < length;) {
    const kind = random(6);
    const line =
      kind === 0
        ? `From: ${address(random)}`
        : kind === 1
          ? `account: CH${Array.from({ length: 19 }, () => random(10)).join('')}, amount: ${random(1_000_000) / 100}`
          : kind === 2
            ? `https://${word(random)}.example/${word(random)}/${random(10_000)}`
            : sentence(random);
    lines.push(line);
    size += line.length + 1;
  }
  return lines.join('\n');
}

function sentence(random: (below: number) => number): string {
  return `${Array.from({ length: 8 + random(12) }, () => word(random)).join(' ')}.`;
}

function address(random: (below: number) => number): string {
  return `${word(random)}.${word(random)}${random(1000)}@${word(random)}.example`;
}

const ONSETS = ['', ...'b c d f g h j k l m n p r s t v w z br ch cl dr fl gr pl pr sh sk sp st str th tr'.split(' ')];
const VOWELS = 'a e i o u ai au ea ee ie oo ou'.split(' ');
const CODAS = ['', '', '', ...'b d f g k l m n p r s t x ck ft ll nd ng nt rd rk rn rt ss st'.split(' ')];

const WORDS = vocabulary(20_000);

/** Few words often, and most of them seldom (Zipf's law). */
function word(random: (below: number) => number): string {
  return WORDS[Math.floor(WORDS.length ** (random(1 << 24) / (1 << 24))) - 1]!;
}

function vocabulary(count: number): string[] {
  const random = generator(7);
  const of = (parts: readonly string[]) => parts[random(parts.length)]!;
  return Array.from({ length: count }, (_none, rank) => {
    const syllables = 1 + random(rank < 200 ? 2 : 4);
    return Array.from({ length: syllables }, () => of(ONSETS) + of(VOWELS) + of(CODAS)).join('');
  });
}

/** The same numbers in every run (a linear congruential generator). */
export function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { classify } from '../../src/catalogue/classify.ts';
import { EFFECTS, type Effect } from '../../src/core/effect.ts';
import { corpusOf, describedOf, nameOf, readCorpus, type Row } from './classify/corpus.ts';
import { verdictOf } from './classify/referee.ts';
import { readTable } from './classify/tables.ts';
import { rounded, type Figure } from './figures.ts';

const SHARED = join(import.meta.dirname, '../../../shared/data');
const VISIBLE = ['openapi/operations.jsonl.gz', 'mcp-tools/tools.jsonl.gz'].map((file) => join(SHARED, file));

/** Tables from memory, each labelled before the classifier was run on it, and what its figures are called. */
const TABLES: Readonly<Record<string, string>> = {
  'other-apis.txt': 'other_interfaces',
  'unseen-1.txt': 'unseen_1',
  'unseen-2.txt': 'unseen_2',
};

/** One operation, what the referee says of it and what was guessed. */
type Judged = { row: Row; by: string; truth: Effect | 'not read'; guess: Effect; why: string; certainty: string };

/**
 * How well operations are classified: against their own label where the data carries one, else against our own reading of
 * them, else against method or annotations (test/bench/classify/referee.ts). A dangerous miss is a write, delete, execute,
 * send, mint or delegation that is called a read; what is called more than it is costs somebody a look, and is counted too.
 */
export async function benchClassify(file: string | undefined, say: (line: string) => void): Promise<Figure[]> {
  const files = file === undefined ? VISIBLE.filter((each) => existsSync(each)) : [file];
  if (file === undefined && files.length < VISIBLE.length)
    say('the corpora beside the repository are not there: skipped');
  const rows = files.flatMap(readCorpus);
  const judged = judge(rows, false);
  const corpora = Map.groupBy(judged, ({ row }) => corpusOf(row));
  for (const [corpus, ofCorpus] of corpora) report(corpus, ofCorpus, say);
  if (judged.length > 0) report('all', judged, say);
  const figures = [
    ...figuresOf('classify', judged),
    ...figuresOf('classify.words_alone', judge(rows, true)),
    ...[...Map.groupBy(judged, ({ row }) => ('api' in row ? row.api : 'mcp_tools'))].flatMap(([of, each]) =>
      figuresOf(`classify.${of}`, each),
    ),
  ];
  if (file !== undefined) return figures;
  return [
    ...figures,
    ...Object.entries(TABLES).flatMap(([table, of]) => {
      const own = judge(readTable(table), false);
      report(`${of} (${table})`, own, say);
      return figuresOf(`classify.${of}`, own);
    }),
  ];
}

function judge(rows: readonly Row[], blind: boolean): Judged[] {
  return rows.flatMap((row) => {
    const verdict = verdictOf(row);
    if (verdict === undefined) return [];
    const { effect: guess, certainty, why } = classify(describedOf(row, blind));
    return [{ row, by: verdict.by, truth: verdict.effect, guess, certainty, why: why.join('; ') }];
  });
}

const isDangerous = ({ truth, guess }: Judged) => truth !== 'read' && guess === 'read';
const isRight = ({ truth, guess }: Judged) => truth === guess || (truth === 'not read' && guess !== 'read');

function figuresOf(name: string, judged: readonly Judged[]): Figure[] {
  if (judged.length === 0) return [];
  const reads = judged.filter(({ truth }) => truth === 'read');
  const others = judged.filter(({ truth }) => truth !== 'read');
  const misses = others.filter(isDangerous);
  const certain = judged.filter(({ certainty }) => certainty === 'certain');
  const share = (some: number, all: number) => (all === 0 ? 0 : rounded(some / all));
  const by = [...new Set(judged.map((each) => each.by))].join(', ');
  return [
    {
      name: `${name}.dangerous_misses`,
      value: share(misses.length, others.length),
      unit: 'share',
      note: [`of ${others.length}, judged by ${by}`, ...misses.map(({ row }) => nameOf(row))].join('; '),
    },
    { name: `${name}.accuracy`, value: share(judged.filter(isRight).length, judged.length), unit: 'share' },
    {
      name: `${name}.reads_held`,
      value: share(reads.filter(({ guess }) => guess !== 'read').length, reads.length),
      unit: 'share',
      note: `of ${reads.length} reads, called something else`,
    },
    {
      name: `${name}.certain_and_wrong`,
      value: share(certain.filter((each) => !isRight(each)).length, certain.length),
      unit: 'share',
      note: `of ${certain.length} that were called certain`,
    },
  ];
}

/** The confusion matrix, and every miss by name. */
function report(name: string, judged: readonly Judged[], say: (line: string) => void): void {
  const misses = judged.filter((each) => !isRight(each));
  say(`\n${name}: ${judged.length} operations, ${misses.length} misses`);
  const truths = [...EFFECTS, 'not read'].filter((truth) => judged.some((each) => each.truth === truth));
  say(`  ${'is \\ called'.padEnd(12)}${EFFECTS.map((effect) => effect.padStart(9)).join('')}`);
  for (const truth of truths) {
    const count = (guess: Effect) => judged.filter((each) => each.truth === truth && each.guess === guess).length;
    say(`  ${truth.padEnd(12)}${EFFECTS.map((effect) => String(count(effect) || '·').padStart(9)).join('')}`);
  }
  if (name === 'all') return;
  for (const each of misses) {
    const mark = isDangerous(each) ? 'DANGEROUS' : each.truth === 'read' ? 'held' : '';
    say(`  ${mark.padEnd(10)}${each.truth} called ${each.guess} (${each.certainty}): ${nameOf(each.row)}: ${each.why}`);
  }
}

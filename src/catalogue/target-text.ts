import { stringify } from 'yaml';
import { EFFECTS } from '../core/effect.ts';
import type { JsonValue } from '../core/json.ts';
import { argumentsOf, type Guessed } from './guess.ts';
import type { ImportedTarget } from './imported.ts';
import { proposeMints } from './propose-mints.ts';

/** What is imported and what was said of it. */
export type TargetDraft = { name: string; source: string; target: ImportedTarget; operations: readonly Guessed[] };

/**
 * The target file, as text with its reasons beside it. An operation that nobody has accepted has a `guess` in the place of its
 * effect: it is denied until somebody writes `effect`.
 */
export function targetText({ name, source, target, operations }: TargetDraft): string {
  const accepted = new Map(
    operations.flatMap(({ operation, accepted: said }) =>
      said === null ? [] : [[operation.name, operation] as const],
    ),
  );
  const lines = [
    comment(`Made from ${source}.`),
    comment(`An operation with \`guess\` is denied. To accept it, write \`effect\` instead: ${EFFECTS.join(', ')}.`),
    ...member('name', name),
    ...member('protocol', target.protocol),
    ...member('upstream', target.upstream),
    ...target.notes.map((note) => comment(note)),
    ...target.credential.comments.map((say) => comment(`credential, ${say}`)),
    ...(target.credential.form === undefined ? [] : member('credential', target.credential.form)),
    ...member('sensitivity', 'confidential'),
    operations.length === 0 ? 'operations: {}' : 'operations:',
    ...operations.flatMap((each) => operationLines(each, accepted)),
  ];
  return `${lines.join('\n')}\n`;
}

function operationLines(each: Guessed, all: Parameters<typeof proposeMints>[1]): string[] {
  const { operation, guess, accepted } = each;
  const because = guess.why.slice(0, 3).join('; ');
  const lines = [
    ...Object.entries(operation.wire).flatMap(([key, value]) => member(key, value)),
    ...operation.notes.map((note) => comment(note)),
  ];
  if (accepted === null) {
    lines.push(comment(`${guess.certainty}: ${because}`), ...member('guess', guess.effect));
    lines.push(...member('sensitivity', guess.sensitivity));
  } else {
    const same = accepted.effect === guess.effect;
    lines.push(
      comment(
        same
          ? `${guess.certainty}: ${because}`
          : `set by hand; guessed ${guess.effect}, ${guess.certainty}: ${because}`,
      ),
    );
    lines.push(...member('effect', accepted.effect), ...member('sensitivity', accepted.sensitivity));
    if (accepted.effect === 'mint') lines.push(...mintsLines(operation, all));
  }
  lines.push(...argumentLines(each));
  return [`  ${key(operation.name)}:`, ...lines.map((line) => `    ${line}`)];
}

/** What nobody has agreed to stands there as it would be said, and says nothing. */
function argumentLines(each: Guessed): string[] {
  const said = Object.entries(argumentsOf(each)).filter(([, values]) => values.length > 0);
  const lines = said.flatMap(([name, values]) => member(name, values));
  if (lines.length === 0 || (each.agreed && each.accepted !== null)) return lines;
  return [comment('proposed, by names; take the sign off what is right:'), ...lines.map(comment)];
}

function mintsLines(operation: Guessed['operation'], all: Parameters<typeof proposeMints>[1]): string[] {
  const proposal = proposeMints(operation, all);
  return 'form' in proposal ? member('mints', proposal.form) : [comment(`mints: ${proposal.missing}`)];
}

/** `key: value`, small values on one line. */
function member(name: string, value: JsonValue): string[] {
  const flow = stringify(value, { collectionStyle: 'flow', flowCollectionPadding: true, lineWidth: 0 }).trimEnd();
  if (typeof value !== 'object') return [`${key(name)}: ${key(String(value))}`];
  if (flow.length < 100) return [`${key(name)}: ${flow}`];
  const block = stringify(value, { lineWidth: 0 }).trimEnd().split('\n');
  return [`${key(name)}:`, ...block.map((line) => `  ${line}`)];
}

/** A scalar on one line: what would break it is escaped, and the rest is left to be read. */
function key(text: string): string {
  if (!/[\p{C}\p{Zl}\p{Zp}]/u.test(text)) return stringify(text, { lineWidth: 0 }).trimEnd();
  const escaped = JSON.stringify(text).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (each) =>
    [...Array(each.length).keys()].map((at) => `\\u${each.charCodeAt(at).toString(16).padStart(4, '0')}`).join(''),
  );
  return escaped;
}

/** On one line, whatever a document has put into a summary. */
function comment(text: string): string {
  return `# ${text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, 400)}`;
}

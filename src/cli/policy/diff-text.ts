import { printable } from '../../audit/record-text.ts';
import { canonicalJson } from '../../core/json.ts';
import type { Cause, DiffExample, DiffGroup, DiffReport, Outcome, PolicyPlace } from '../../policy/diff/diff.ts';

/** The report for a person. What policies say cannot move the cursor or reverse the text. */
export function diffText(report: DiffReport): string[] {
  const { before, after, added, removed, requests, unreached, groups } = report;
  const lines = [`before  ${before}`, `after   ${after}`];
  if (added.length + removed.length === 0) return [...lines, 'the two sets hold the same policies'];
  for (const place of removed) lines.push(`  - ${placeText(place)}`);
  for (const place of added) lines.push(`  + ${placeText(place)}`);
  const found = groups.length === 0 ? 'none of them is decided otherwise' : `${groups.length} kinds of difference`;
  lines.push(`${requests} generated requests: ${found}; what they do not reach is not compared`);
  if (unreached.length > 0) lines.push(`no request was found to which these apply: ${unreached.join(', ')}`);
  for (const group of groups) lines.push('', ...groupText(group));
  return lines.map(printable);
}

function placeText({ policy, effect, file, line }: PolicyPlace): string {
  return `${file}:${line}: ${effect} \`${policy}\``;
}

function groupText(group: DiffGroup): string[] {
  const { from, to, other, count, operations, example } = group;
  const what =
    other === null ? `${from} → ${to}` : `${from}, with other ${other === 'observed' ? 'observed policies' : other}`;
  return [
    `${what}  by ${causeText(group.after)}, before by ${causeText(group.before)}  (${count} requests)`,
    ...exampleFields(example).map(([label, text]) => `    ${label.padEnd(10)}${text}`),
    ...(operations.length > 1 ? [`    ${'also'.padEnd(10)}${otherOperations(group)}`] : []),
  ];
}

function causeText({ policies, codes }: Cause): string {
  return policies.length === 0 ? codes.join(', ') : policies.join(', ');
}

function otherOperations({ operations, example }: DiffGroup): string {
  return operations.filter((operation) => operation !== `${example.target}:${example.operation}`).join(', ');
}

function exampleFields(example: DiffExample): [label: string, text: string][] {
  const { agent, delegator, target, operation, effect, resource, circumstances, before, after } = example;
  return [
    ['agent', agent ?? 'none'],
    ['for', delegator ?? 'nobody'],
    ['action', `${operation} (${effect}) at ${target}${resource === null ? '' : ` on ${resource}`}`],
    ...(Object.keys(example.arguments).length === 0
      ? []
      : [['arguments', canonicalJson(example.arguments)] as [string, string]]),
    ...circumstances.map((text): [string, string] => ['with', text]),
    ['before', outcomeText(before)],
    ['after', outcomeText(after)],
  ];
}

function outcomeText({ outcome, reasons, approvers, observed, obligations }: Outcome): string {
  const why = reasons.map(({ message, code }) => `${message} (${code})`).join('; ');
  const who = approvers.length === 0 ? '' : `, from ${approvers.join(' and ')}`;
  const obliges = obligations === undefined ? '' : `, for ${obligations.max_lifetime_seconds} s at most`;
  return `${outcome}: ${why}${who}${obliges}${observed.length === 0 ? '' : `; observed ${observed.join(', ')}`}`;
}

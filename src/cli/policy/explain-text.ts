import { printable } from '../../audit/record-text.ts';
import { canonicalJson } from '../../core/json.ts';
import type { PolicyTrace } from '../../pdp/trace.ts';
import type { EvaluationExplanation, Explanation } from '../../policy/explain.ts';
import type { LevelExplanation } from '../../policy/explain-levels.ts';

/** The explanation for a person. What records and policies say cannot move the cursor or reverse the text. */
export function explainText(explanation: Explanation): string[] {
  const { recorded, outcome, reasons, uncertain } = explanation;
  const lines = [`${explanation.record}: ${outcome}`];
  for (const { code, message, next } of reasons) {
    lines.push(`  because ${message} (${code})`);
    if (next !== undefined) lines.push(`  next    ${next}`);
  }
  if (explanation.obligations !== undefined) {
    lines.push(`  obliges the token to end after ${explanation.obligations.max_lifetime_seconds} s at most`);
  }
  if (!explanation.same_set) {
    lines.push(
      'explained under another policy set than the one that decided:',
      `  decided under    ${recorded.policy_set}`,
      `  explained under  ${explanation.policy_set}`,
    );
  }
  if (!explanation.agrees) {
    lines.push(`not as it was recorded: ${recorded.outcome} by ${recorded.policies.join(', ') || 'no policy'}`);
  }
  if (uncertain.length > 0) {
    lines.push(`uncertain, since something was redacted or cut: ${uncertain.join(', ')}`);
  }
  if (explanation.decided_by === 'checks_before_policy') lines.push('', 'decided before policy was asked');
  if (explanation.levels.length > 0) lines.push('', ...explanation.levels.flatMap(levelText));
  for (const evaluation of explanation.evaluations) lines.push('', ...evaluationText(evaluation));
  return lines.map(printable);
}

function levelText({ level, task, agent, objection, values }: LevelExplanation): string[] {
  const name = level === 'token' ? 'the token' : `task ${task} of ${agent}`;
  const verdict = objection === null ? 'does not object' : `denies: ${objection.message} (${objection.code})`;
  const lines = [`${name} ${verdict}`];
  if (objection !== null) {
    for (const [label, value] of Object.entries(values)) lines.push(`    ${label}: ${canonicalJson(value)}`);
  }
  return lines;
}

function evaluationText({ principal, resource, outcome, policies, nearest }: EvaluationExplanation): string[] {
  const lines = [`${outcome}  ${principal} on ${resource}`];
  for (const policy of policies) lines.push(`  ${policy.part} ${whereText(policy)}`, ...clausesText(policy));
  if (outcome !== 'deny' || policies.some(({ part }) => part === 'forbids' || part === 'fails')) return lines;
  if (nearest.length === 0) return [...lines, '  no permit is for this principal, action and resource'];
  for (const policy of nearest) lines.push(`  does not apply: ${whereText(policy)}`, ...clausesText(policy));
  return lines;
}

function whereText({ policy, file, line }: PolicyTrace): string {
  return `\`${policy}\` ${file}:${line}`;
}

function clausesText({ clauses, stopped_by: stoppedBy }: PolicyTrace): string[] {
  return clauses.flatMap(({ kind, text, value, problem, read }, place) => [
    `    ${value.replace('_', ' ').padEnd(11)} ${kind} { ${text} }${place === stoppedBy ? '   <- stops it' : ''}`,
    ...(problem === undefined ? [] : [`                  ${problem}`]),
    ...read.map(({ path, value: seen }) => `                  ${path} = ${seen ?? '(absent)'}`),
  ]);
}

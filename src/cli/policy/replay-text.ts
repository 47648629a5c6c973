import { printable } from '../../audit/record-text.ts';
import type { Reason } from '../../core/decision.ts';
import type { Compared, FlipExample, FlipGroup, ReplayReport } from '../../policy/replay.ts';
import { DOUBTS, GAPS, type Gap } from '../../policy/recorded-input.ts';

/** The report for a person. What records and policies say cannot move the cursor or reverse the text. */
export function replayText(report: ReplayReport): string[] {
  const { exact, uncertain } = report;
  const doubtful = uncertain.flipped + uncertain.unchanged;
  const lines = [
    `${counted(report.decisions)}: ${exact.flipped} would come out otherwise, ${exact.unchanged} the same` +
      `, ${doubtful} uncertain, ${unreplayed(report)} not replayed`,
    `draft    ${report.draft}`,
    `current  ${report.current ?? 'none: there are no decisions'}`,
    ...groupsText(exact),
  ];
  if (doubtful > 0) {
    const what = DOUBTS.flatMap((doubt) => {
      const count = uncertain.because[doubt];
      return count === undefined ? [] : `${doubt} of ${count}`;
    });
    lines.push(
      '',
      `uncertain, since something of them was redacted or cut (${what.join(', ')}): ` +
        `${uncertain.flipped} would come out otherwise, ${uncertain.unchanged} the same`,
      ...groupsText(uncertain),
    );
  }
  for (const gap of GAPS) {
    const count = report.unreplayable[gap];
    if (count !== undefined) lines.push('', `${count} not replayed: ${GAP_TEXT[gap]}`);
  }
  return lines.map(printable);
}

const GAP_TEXT: Record<Gap, string> = {
  no_facts: 'recorded by an older version, without what was decided on',
  facts_too_large: 'too large to be recorded with what was decided on',
  set_distrusted: 'denied because the policy set was distrusted',
  unknown_form: 'recorded in a form that this version does not know; replay with the version that wrote them',
};

export function unreplayed(report: ReplayReport): number {
  return GAPS.reduce((sum, gap) => sum + (report.unreplayable[gap] ?? 0), 0);
}

function counted(decisions: number): string {
  return decisions === 1 ? '1 decision' : `${decisions} decisions`;
}

function groupsText({ groups }: Compared): string[] {
  return groups.flatMap((group) => ['', ...groupText(group)]);
}

function groupText(group: FlipGroup): string[] {
  const { from, to, target, operation, because, count, underOtherSets, example } = group;
  const earlier = underOtherSets === 0 ? '' : ` (${underOtherSets} decided under another policy set than the current)`;
  return [
    `${from} → ${to}  ${count} × ${target} ${operation}, by ${because.join(', ')}${earlier}`,
    ...exampleFields(example).map(([label, text]) => `    ${label.padEnd(10)}${text}`),
  ];
}

function exampleFields(example: FlipExample): [label: string, text: string][] {
  const { delegator, chain } = example;
  const name = delegator?.name === undefined ? '' : `${delegator.name}, `;
  return [
    ['first', `${example.record} at ${new Date(example.time).toISOString()}`],
    ['agent', example.agent ?? 'none'],
    ['for', delegator === null ? 'nobody' : `${name}${delegator.subject} of ${delegator.issuer}`],
    ...(example.task === null ? [] : [['task', example.task] as [string, string]]),
    ...(chain.length > 1 ? [['through', chain.join(' from ')] as [string, string]] : []),
    ['on', example.resources.length === 0 ? 'the target as a whole' : example.resources.join(', ')],
    ['recorded', side(example.recorded)],
    ['draft', side(example.draft)],
  ];
}

function side({ reasons, policies }: { reasons: Reason[]; policies: string[] }): string {
  const why = reasons.map(({ message, code }) => `${message} (${code})`).join('; ');
  return policies.length === 0 ? why : `${why}, by ${policies.join(', ')}`;
}

/** The report for a program. */
export function replayWire(report: ReplayReport): object {
  const groupWire = ({ underOtherSets, ...group }: FlipGroup) => ({ ...group, under_other_sets: underOtherSets });
  const comparedWire = ({ groups, ...compared }: Compared) => ({ ...compared, groups: groups.map(groupWire) });
  const { exact, uncertain, ...rest } = report;
  return { ...rest, exact: comparedWire(exact), uncertain: comparedWire(uncertain) };
}

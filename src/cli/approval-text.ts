import { printable } from '../audit/record-text.ts';
import type { Io } from './io.ts';

type AnswerWire = { answer: string; by: string; at: string; reason?: string };

export type StandingWire = {
  id: string;
  state: string;
  task: string;
  target: string;
  operation: string;
  resources: ({ exactly: string } | { like: string })[];
  arguments: Record<string, { exactly: unknown } | { like: string } | { any: true }>;
  given_by: string[];
  uses: number;
  uses_left: number;
  expires_at: string;
};

/** What the API says of an approval. */
export type ApprovalWire = {
  id: string;
  state: string;
  risk: 'low' | 'medium' | 'high';
  task: string | null;
  digest: string;
  approvers: string[];
  rules: { rule: string; people: number; given: number }[];
  requester: { agent: string | null; delegator: string; name?: string };
  target: string;
  operation: string;
  effect: string;
  sensitivity: string;
  resources: string[];
  shown: { name: string; text: string; length: number; cut: boolean; notes: string[]; provenance?: string }[];
  cut: boolean;
  purpose: string | null;
  origin?: { channel: string; author?: string; trust: string };
  chain: { task: string; agent: string }[];
  so_far: {
    calls: number;
    budget: number;
    actions: { target: string; operation: string; effect: string; times: number }[];
  } | null;
  alike: { approved: number; refused: number; last: AnswerWire[] };
  standing: StandingWire[];
  reasons: string[];
  answers: AnswerWire[];
  expires_at: string;
};

export function printApproval(approval: ApprovalWire, io: Io): void {
  if (io.json) io.out(JSON.stringify(approval));
  // INVARIANT 8: names and values come from the agent; none of them may move the cursor or turn the text around.
  else for (const line of cardOf(approval)) io.out(printable(line));
}

/** Every argument in full, unless the card itself is cut, which it then says. */
function cardOf(approval: ApprovalWire): string[] {
  const { operation, effect, sensitivity, target, resources } = approval;
  const on = resources.map((name) => ` on ${name}`).join('');
  return [
    `${approval.id}  ${approval.state}  ${approval.risk} risk  until ${approval.expires_at}  for ${rulesText(approval)}`,
    `  ${operation} (${effect}, ${sensitivity}) at ${target}${on}`,
    ...approval.shown.flatMap((argument) => argumentLines(argument, approval.id)),
    `  because ${approval.reasons.join('; ')}`,
    ...whoLines(approval),
    ...soFarLines(approval),
    ...alikeLines(approval),
    ...approval.standing.map((standing) => `  stands already: ${standingText(standing)}`),
    ...approval.answers.map((answer) => `  ${answerText(answer)}`),
  ];
}

function rulesText({ rules }: ApprovalWire): string {
  return rules
    .map(({ rule, people, given }) => (people > 1 ? `${rule} (${given} of ${people} given)` : rule))
    .join(' and ');
}

const NOTES: Readonly<Record<string, string>> = {
  hidden_characters: 'hidden characters',
  turns_text_around: 'turns text around',
  unusual_normal_form: 'an unusual normal form',
  mixed_scripts: 'letters of several scripts in one word',
};

function argumentLines({ name, text, length, cut, notes, provenance }: ApprovalWire['shown'][number], id: string) {
  const odd = notes.map((note) => NOTES[note] ?? note);
  const said = [...odd, ...(provenance === undefined ? [] : [`seen: ${provenance}`])];
  return [
    `    ${name}: ${text}`,
    ...(said.length === 0 ? [] : [`      [${said.join('; ')}]`]),
    ...(cut ? [`      [cut: ${length} characters in all; see \`remit approvals show ${id}\`]`] : []),
  ];
}

function whoLines({ purpose, requester, origin, chain }: ApprovalWire): string[] {
  const { name, delegator } = requester;
  const person = name === undefined ? delegator : `${name}, ${delegator}`;
  const from = origin === undefined ? '' : `, from ${origin.channel} (${origin.trust})`;
  if (purpose === null) return [`  asked for by ${person}`];
  return [
    `  for the task "${purpose}" of ${person}${from}`,
    `  by ${chain.map((level) => `${level.agent} (${level.task})`).join(', under ')}`,
  ];
}

function soFarLines({ so_far: soFar }: ApprovalWire): string[] {
  if (soFar === null) return [];
  const actions = soFar.actions.map(
    ({ target, operation, effect, times }) => `${times} × ${target} ${operation} (${effect})`,
  );
  return [`  so far ${soFar.calls} of ${soFar.budget} calls${actions.length === 0 ? '' : `: ${actions.join(', ')}`}`];
}

function alikeLines({ alike }: ApprovalWire): string[] {
  if (alike.approved + alike.refused === 0) return ['  nothing like it was answered in the last thirty days'];
  const last = alike.last[0] === undefined ? '' : `, the last ${answerText(alike.last[0])}`;
  return [`  like it in the last thirty days: ${alike.approved} approved, ${alike.refused} refused${last}`];
}

function answerText({ answer, by, at, reason }: AnswerWire): string {
  return `${answer} by ${by} at ${at}${reason === undefined ? '' : `: ${reason}`}`;
}

export function standingText(standing: StandingWire): string {
  const args = Object.entries(standing.arguments).map(([name, match]) => `${name} ${matchText(match)}`);
  const resources = standing.resources.map((match) => ('exactly' in match ? match.exactly : `like ${match.like}`));
  const on = resources.length === 0 ? '' : ` on ${resources.join(' or ')}`;
  return `${standing.id}  ${standing.state}  ${standing.uses_left} of ${standing.uses} uses until ${standing.expires_at}: ${standing.target} ${standing.operation}${on} with ${args.join(', ') || 'no arguments'}`;
}

function matchText(match: StandingWire['arguments'][string]): string {
  if ('any' in match) return 'of any value';
  return 'like' in match ? `like ${match.like}` : `= ${JSON.stringify(match.exactly)}`;
}

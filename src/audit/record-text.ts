import type { DecisionRecord, EventRecord, LogRecord, OutcomeRecord } from '../core/record.ts';
import { canonicalJson } from '../core/json.ts';

/** A record in a few lines for a person. Nothing that a record holds can move the cursor or reverse the text. */
export function recordText(index: number, record: LogRecord): string[] {
  const [head, fields] = parts(record);
  const title = `${index}  ${timeText(record.time)}  ${head}  ${record.id}`;
  const lines = fields.map(([label, text]) => `    ${label.padEnd(10)}${text}`);
  return [title, ...lines].map(printable);
}

type Field = [label: string, text: string];

function parts(record: LogRecord): [head: string, fields: Field[]] {
  switch (record.kind) {
    case 'decision':
      return [`${record.decision.outcome} ${record.action.target} ${record.action.operation}`, decisionFields(record)];
    case 'outcome':
      return [`outcome ${record.status}`, outcomeFields(record)];
    case 'event':
      return [`event ${record.event}`, eventFields(record)];
  }
}

function decisionFields(record: DecisionRecord): Field[] {
  const { action, agent, chain, decision, delegator, task } = record;
  const fields: Field[] = [['agent', agent === null ? 'none' : `${agent.id} (${agent.attestation})`]];
  const name = delegator?.name === undefined ? '' : `${delegator.name}, `;
  fields.push(['for', delegator === null ? 'nobody' : `${name}${delegator.subject} of ${delegator.issuer}`]);
  if (task !== null) fields.push(['task', `${task.id}: ${task.purpose}`]);
  if (chain.length > 1) fields.push(['through', chain.map((hop) => `${hop.agent} (${hop.task})`).join(' from ')]);
  const on = action.resources.length === 0 ? '' : ` on ${action.resources.join(', ')}`;
  fields.push(['action', `${action.operation}${on} (${action.effect}, ${action.sensitivity})`]);
  fields.push(['arguments', canonicalJson(action.arguments)]);
  for (const reason of decision.reasons) fields.push(['because', `${reason.message} (${reason.code})`]);
  if (decision.policies.length > 0) fields.push(['policies', decision.policies.join(', ')]);
  if (record.approval !== null) {
    fields.push(['approval', `${record.approval.id} by ${record.approval.approvers.join(', ')}`]);
  }
  return fields;
}

function outcomeFields(record: OutcomeRecord): Field[] {
  const fields: Field[] = [['of', record.decision]];
  if (record.task !== null) fields.push(['task', record.task]);
  if (record.detail !== undefined) fields.push(['detail', record.detail]);
  fields.push(['took', `${record.duration_ms} ms`]);
  return fields;
}

function eventFields(record: EventRecord): Field[] {
  return Object.entries(record.subject).map(([label, value]) => [
    `${label} `,
    typeof value === 'string' ? value : canonicalJson(value),
  ]);
}

function timeText(time: number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString();
}

/** Control characters and those that change the direction of text become `\uXXXX`: records quote what agents wrote. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  );
}

import { printable } from '../audit/record-text.ts';
import type { BudgetWire, UsedWire } from '../core/budget-wire.ts';
import type { Grant } from '../core/grant.ts';
import type { ScheduleWire } from '../core/schedule-wire.ts';
import type { Io } from './io.ts';
import { limitsText } from './limits-text.ts';

/** A task as the API shows it. */
export type TaskWire = {
  id: string;
  parent: string | null;
  state: string;
  agent: string;
  purpose: string;
  grant: Grant[];
  sensitivity: string;
  expires_at: string;
  not_before: string;
  schedules?: ScheduleWire[];
  budget: BudgetWire;
  used: UsedWire;
  profile?: { name: string; version: number; digest: string };
  end_reason?: string;
  closing?: ClosingWire;
};

type Counted = Record<string, { count: number; ids: string[] }>;

type ClosingWire = {
  cause: string;
  by?: string;
  complete: boolean;
  ended: Counted;
  outstanding: Counted;
  next_attempt_at?: string;
};

export function printTask(wire: TaskWire, io: Io): void {
  if (io.json) io.out(JSON.stringify(wire));
  else for (const line of taskText(wire)) io.out(printable(line));
}

export function taskText(wire: TaskWire): string[] {
  const profile = wire.profile === undefined ? '' : ` (${wire.profile.name}@${wire.profile.version})`;
  const ended = wire.end_reason === undefined ? '' : ` (${wire.end_reason})`;
  return [
    `${wire.id}  ${wire.state}${ended}  until ${wire.expires_at}`,
    `  ${wire.purpose}${profile}`,
    ...(wire.closing === undefined ? [] : closingText(wire.closing)),
    `  agent ${wire.agent}, ${wire.used.calls} of ${wire.budget.calls} calls, up to ${wire.sensitivity}`,
    ...limitsText(wire.budget, wire.used, wire.schedules).map((line) => `  ${line}`),
    ...grantText(wire.grant),
  ];
}

export function grantText(grants: readonly Grant[]): string[] {
  return grants.map((grant) => {
    const effects = (grant.effects ?? []).map((effect) => `every ${effect}`);
    const what = [...(grant.operations ?? []), ...effects].join(', ');
    const where = grant.resources === undefined ? '' : ` on ${grant.resources.join(', ')}`;
    return `  at ${grant.target}: ${what}${where}${grant.arguments === undefined ? '' : ', for some arguments only'}`;
  });
}

const SHOWN = 3;

/** What the end has ended, and while there is some, what is outstanding. */
function closingText({ cause, by, complete, ended, outstanding, next_attempt_at: next }: ClosingWire): string[] {
  const who = by === undefined ? '' : ` by ${by}`;
  const again = next === undefined ? '' : `; tried again at ${next}`;
  return [
    `  ended: ${cause}${who}; ${countedText(ended) || 'there was nothing to end'}`,
    ...(complete ? [] : [`  outstanding: ${countedText(outstanding) || 'being looked at'}${again}`]),
  ];
}

function countedText(counted: Counted): string {
  return Object.entries(counted)
    .map(([kind, { count, ids }]) => {
      const more = count > SHOWN ? ', …' : '';
      return `${count} ${kind} (${ids.slice(0, SHOWN).join(', ')}${more})`;
    })
    .join(', ');
}

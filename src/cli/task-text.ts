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

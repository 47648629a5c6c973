import type { BudgetWire, LimitsWire, UsedLimitsWire } from '../core/budget-wire.ts';
import type { Effect } from '../core/effect.ts';
import type { ScheduleWire } from '../core/schedule-wire.ts';
import { scheduleText } from '../core/schedule.ts';
import { scheduleOfWire } from '../core/schedule-wire.ts';

/** What a profile allows, beside all calls and of them. */
export function mostText(budget: Partial<BudgetWire>, schedules: readonly ScheduleWire[]): string[] {
  return [
    ...(budget.calls === undefined ? [] : [`at most ${budget.calls} calls`]),
    ...limitsText(budget, null, schedules),
  ];
}

/** What a task may use beside its calls and has used, and when it may act: a line each. */
export function limitsText(
  budget: LimitsWire,
  used: UsedLimitsWire | null,
  schedules: readonly ScheduleWire[] = [],
): string[] {
  const of = (taken: number | string | undefined, most: number | string | undefined) =>
    used === null ? `at most ${most ?? 0}` : `${taken ?? 0} of ${most ?? 0}`;
  return [
    ...Object.entries(budget.effects ?? {}).map(
      ([effect, most]) => `${of(used?.effects?.[effect as Effect], most)} calls that ${effect}`,
    ),
    ...Object.entries(budget.operations ?? {}).map(
      ([id, most]) => `${of(used?.operations?.[id], most)} calls of ${id}`,
    ),
    ...(budget.sums ?? []).map(
      (sum, place) =>
        `${of(used?.sums?.[place], sum.at_most)} ${sum.argument} in all of ${sum.target}:${sum.operations.join(', ')}`,
    ),
    ...schedules.map((schedule) => `only ${scheduleText(scheduleOfWire(schedule))}`),
  ];
}

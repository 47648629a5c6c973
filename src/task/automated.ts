import { Conflict, Forbidden } from '../core/errors.ts';
import type { Delegator } from '../core/party.ts';
import type { NoRun, Run, RunStore } from '../store/ports.ts';
import type { Asker } from './authorize.ts';
import type { Automation } from './profile/automation.ts';
import type { TaskRequest } from './task-request.ts';

/** A task that its agent asks for by itself: how, and on whose behalf. */
export type Started = { delegator: Delegator; automation: Automation };

/** `null` for what no agent starts by itself: another's task, one without a profile, or of a profile that does not say so. */
export function startedBy({ agent, delegator }: Asker, request: TaskRequest): Started | null {
  const automation = request.profile?.automation;
  if (automation === undefined || agent === null || delegator !== null) return null;
  return agent.id === request.agent.id ? { delegator: automation.owner, automation } : null;
}

/** The run that the task is. A person who starts one by hand makes good what failed before. */
export function runOf({ profile }: TaskRequest, started: Started | null): Run | undefined {
  if (profile?.automation === undefined) return undefined;
  const { everyMs, stopAfterFailures } = profile.automation;
  return { profile: profile.task.name, ...(started === null ? {} : { limit: { everyMs, stopAfterFailures } }) };
}

/** Why there is no run now, for whoever asked. */
export function noRunError(
  because: NoRun,
  { profile, limit }: Run,
  { store, agent }: { store: RunStore; agent: string },
): Conflict | Forbidden {
  const last = store.lastRun(profile, agent);
  switch (because) {
    case 'run_going_on':
      return new Conflict(`task \`${last?.task}\` of profile \`${profile}\` is not over; complete it first`);
    case 'run_too_soon': {
      const next = new Date((last?.startedAt ?? 0) + (limit?.everyMs ?? 0)).toISOString();
      return new Conflict(`the next run of profile \`${profile}\` may start at ${next}`);
    }
    case 'runs_stopped':
      return new Forbidden(
        `the last run of profile \`${profile}\` was not completed (task \`${last?.task}\`); a person has to start one with ` +
          `\`remit task request --profile ${profile}\``,
      );
  }
}

import { approvalRule, counted, type ApprovalRule } from '../core/approval-rule.ts';
import { approversOf, type Answer, type Approval, type ApprovalState } from '../core/approval.ts';
import type { ArgumentOrigin } from '../core/action.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import { redactArguments } from '../core/redact.ts';
import { riskOf, type Risk } from '../core/risk.ts';
import { notesOn, visible, type TextNote } from '../core/visible.ts';
import type { StandingAnswer } from '../core/standing-answer.ts';
import type { ApprovalStore, PastAction, StandingStore, TaskStore } from '../store/ports.ts';
import type { AuthorizeParts } from '../task/authorize.ts';
import { stateNow } from './state-now.ts';

/** All that somebody sees who is asked: the same in every channel, and computed here alone. */
export type ApprovalCard = {
  approval: Approval;
  state: ApprovalState;
  risk: Risk;
  arguments: JsonObject;
  /** One for each argument, in their order. */
  shown: ShownArgument[];
  /** Whether something is left out here that the full card has. */
  cut: boolean;
  rules: (ApprovalRule & { text: string; given: number })[];
  /** What was permitted before within the task and all below it; `null` where there is no task. */
  soFar: { calls: number; budget: number; actions: PastAction[] } | null;
  /** How requests of this agent for this operation were answered in the last thirty days. */
  alike: { approved: number; refused: number; last: Answer[] };
  /** What stands already for this operation within the task. */
  standing: StandingAnswer[];
};

export type ShownArgument = {
  name: string;
  /** The value as JSON, with all that would be hidden made visible. */
  text: string;
  /** Characters of the whole text. */
  length: number;
  cut: boolean;
  notes: TextNote[];
  /** Where the value was seen. Absent where nothing could tell. */
  provenance?: ArgumentOrigin;
};

export type CardParts = Pick<AuthorizeParts, 'clock' | 'pdp'> & { store: ApprovalStore & StandingStore & TaskStore };

const THIRTY_DAYS_MS = 30 * 86_400_000;
const MAX_SHOWN = 1_000;
const MAX_ACTIONS = 20;
const MAX_ALIKE = 5;

/** @param full every argument to its last character; otherwise long ones are cut, and say so. */
export function cardOf(approval: Approval, { full }: { full: boolean }, parts: CardParts): ApprovalCard {
  const { card, requester, task } = approval;
  const view = task === null ? undefined : parts.store.chain(task)[0];
  const actions = task === null ? [] : parts.store.pastActions(task, MAX_ACTIONS);
  const shown = Object.entries(card.arguments).map(([name, value]) =>
    shownArgument(name, value, full, card.provenance?.[name]),
  );
  const { target, operation } = card;
  const since = parts.clock() - THIRTY_DAYS_MS;
  return {
    approval,
    state: stateNow(approval, parts),
    risk: riskOf(approval),
    arguments: full ? card.arguments : redactArguments(card.arguments),
    shown,
    cut: shown.some((argument) => argument.cut),
    rules: approval.approvers.map((text) => {
      const rule = approvalRule(text);
      return { ...rule, text, given: counted(rule, approversOf(approval)).length };
    }),
    soFar: task === null ? null : { calls: view?.used.calls ?? 0, budget: view?.task.budget.calls ?? 0, actions },
    alike: parts.store.answersAlike({ target, operation, agent: requester.agent, since }, MAX_ALIKE),
    standing:
      task === null
        ? []
        : parts.store
            .standingFor(task)
            .filter((each) => each.target === target && each.operation === operation && parts.clock() < each.expiresAt),
  };
}

function shownArgument(
  name: string,
  value: JsonValue,
  full: boolean,
  provenance: ArgumentOrigin | undefined,
): ShownArgument {
  const text = visible(JSON.stringify(value));
  const cut = !full && text.length > MAX_SHOWN;
  return {
    name: visible(name),
    text: cut ? `${text.slice(0, MAX_SHOWN).toWellFormed()}…` : text,
    length: text.length,
    cut,
    notes: [...new Set(textsOf(name, value).flatMap(notesOn))],
    ...(provenance === undefined ? {} : { provenance }),
  };
}

/** Every name and text in it. */
function textsOf(name: string, value: JsonValue): string[] {
  if (typeof value === 'string') return [name, value];
  if (value === null || typeof value !== 'object') return [name];
  return [name, ...Object.entries(value).flatMap(([member, inner]) => textsOf(member, inner))];
}

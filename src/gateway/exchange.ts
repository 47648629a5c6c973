import type { Action } from '../core/action.ts';
import type { Approval } from '../core/approval.ts';
import type { Decision, DecisionInput, GivenApproval, TaskView } from '../core/decision.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import type { NamedCredential } from '../credential/credential.ts';
import type { Looked } from '../provenance/task-sources.ts';
import type { Taken } from '../store/ports.ts';
import type { Intended } from '../lease/intend.ts';
import type { Caller } from '../identity/caller.ts';

export type Outcome = {
  status: 'ok' | 'tool_error' | 'failed' | 'cut';
  detail?: string;
  result?: JsonObject;
  /** What the agent has read of it, where that is not the result; `null` where it was passed on and not kept. */
  read?: { value: JsonValue } | null;
  /** Which credential of the target's own the request carried. */
  credential?: NamedCredential;
  /** The request did not leave, or the target refused it as it stood. Absent where anything may have been done. */
  nothingDone?: true;
};

/** One request on its way through a PEP. Each step of the pipeline fills in its part. */
export type Exchange<Request, Answer> = {
  /** `req_…`; ties the records of one request together. */
  readonly id: string;
  readonly receivedAt: number;
  readonly request: Request;
  /** Aborts when the caller goes away. */
  readonly signal: AbortSignal;
  /** What is permitted is carried out by whoever asked, and Remit does not see what becomes of it. */
  readonly enforcedBy?: 'caller';
  /** From step 1. */
  caller?: Caller;
  /** From step 2. */
  action?: Action;
  /** From step 3: the acting task first, the root last. */
  chain?: TaskView[];
  /** Where the arguments come from, and what the result will count as. Absent for what the protocol itself asks. */
  looked?: Looked;
  digest?: string;
  /** An approval for exactly this action, not yet spent. */
  approval?: GivenApproval;
  /** From step 4: the decision, and exactly what it was made on. */
  decision?: Decision;
  decidedOn?: DecisionInput;
  /** From step 5, for a hold: the approval that is waited for. */
  waitingFor?: Approval;
  /** From step 5, for a hold that nobody is asked about: why. */
  notAsked?: string;
  /** From step 5: id of the durable decision record. */
  recordId?: string;
  /** From step 5, for a permit: what the action has taken from budgets. */
  taken?: Taken;
  /** From step 5, for a permit: what the action may bring into the world. */
  intended?: Intended;
  /** From step 6. */
  answer?: Answer;
  /** From step 6, for step 7. */
  outcome?: Outcome;
};

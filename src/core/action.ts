import type { Effect } from './effect.ts';
import { canonicalJson, type JsonObject, type JsonValue } from './json.ts';
import type { NamedLease } from './lease.ts';
import type { Sensitivity } from './sensitivity.ts';

/** One thing that is about to be done, described by the gateway from the protocol message, never by the agent. */
export type Action = {
  /** Name of the target; `remit` for Remit's own operations. */
  target: string;
  operation: string;
  effect: Effect;
  /** Normalised resource names; empty when the operation acts on the target as a whole. */
  resources: string[];
  sensitivity: Sensitivity;
  arguments: JsonObject;
  /** Where the value of each argument was seen. Absent where the gateway cannot tell. */
  provenance?: Readonly<Record<string, ArgumentOrigin>>;
  /** The same for people who ask why: of no account to the decision. */
  sources?: readonly ArgumentSource[];
  /** The leases whose handles stand in the arguments. Absent where there is none. */
  leases?: readonly NamedLease[];
  /** What that comes to. Absent where the gateway cannot tell. */
  flow?: ArgumentFlow;
  /** A handshake or list of the protocol itself, covered by any grant at the target. */
  protocol: boolean;
  /** INVARIANT 12: only a `pinned` definition may be used. `builtin` operations have no upstream definition. */
  definition: 'builtin' | 'pinned' | 'quarantined' | 'unknown';
  /** Why the action could not be described in full. Such an action is denied, and recorded with what is known. */
  undescribed?: Undescribed;
};

/**
 * Where a value was seen, the most trusted first; a value seen in the prompt and in untrusted text counts as the prompt's.
 * `resolved`: in the trusted answer to a question that was asked in the delegator's own words. `referred`: in untrusted text
 * that the delegator pointed at, under a name that the prompt has. `listed`: as a whole item of a list that holds what
 * outsiders wrote, and not in their prose. `steered`: in what was looked up because of something that they wrote. `unseen`:
 * nowhere, so the model made it up.
 */
export const ARGUMENT_ORIGINS = [
  'prompt',
  'parameters',
  'resolved',
  'trusted',
  'referred',
  'listed',
  'steered',
  'untrusted',
  'unseen',
] as const;
export type ArgumentOrigin = (typeof ARGUMENT_ORIGINS)[number];

/**
 * Why a value is said to be from there, where it does not simply stand in the source. `part`: a part of it does. `decoded`: it
 * does once its encoding is resolved. `joined`: together with the value beside it. `sent_before`: a trusted result has it, but
 * only since this task had sent it there. `not_all_kept`: more was read than is known here. `too_much`: it would have taken
 * too long to look it up. `answered_for`: a person said that it is fine.
 */
export const SOURCE_NOTES = [
  'part',
  'decoded',
  'joined',
  'sent_before',
  'not_all_kept',
  'too_much',
  'answered_for',
] as const;
export type SourceNote = (typeof SOURCE_NOTES)[number];

/**
 * Where one value of the arguments was seen: `path` is a JSON Pointer (RFC 6901), `id` that of a decision's record, or
 * `prompt`, `purpose`, `parameters`, or the argument by which the task itself had sent it.
 */
export type ArgumentSource = {
  path: string;
  origin: ArgumentOrigin;
  seen: readonly { id: string; origin: ArgumentOrigin }[];
  because?: SourceNote;
};

/** The origins of all arguments together, each once and in the order above. */
export type ArgumentFlow = {
  /** Of the arguments that say where the effect lands. */
  targets: readonly ArgumentOrigin[];
  /** Of those of them that are addresses: a URL, an e-mail address, a number of an account. */
  addresses: readonly ArgumentOrigin[];
  /** Of what is set there. */
  settings: readonly ArgumentOrigin[];
  /** Of the text that is carried there. */
  content: readonly ArgumentOrigin[];
  /** Of the addresses that stand in it. */
  links: readonly ArgumentOrigin[];
};

export type Undescribed = {
  code: 'unresolved_resource' | 'target_unavailable' | 'unproven_subject';
  message: string;
  next: string;
};

/** SHA-256 of UTF-8 text, in lower-case hexadecimal. Passed in: core computes no hashes itself. */
export type Sha256Hex = (text: string) => string;

/** What an approval is for (invariant 8). Every field that could make it another action is in the digest. */
export type ActionSubject = { agent: string | null; delegator: string; chain: string[]; policySet: string };

/**
 * The digest that names one exact action: `sha256:` and 64 hexadecimal digits. Arguments in another order of members are
 * the same arguments; in another Unicode normal form they are others, since a target takes them for others.
 */
export function actionDigest(action: Action, subject: ActionSubject, sha256: Sha256Hex): string {
  const text = canonicalJson({
    agent: subject.agent,
    delegator: subject.delegator,
    chain: subject.chain,
    policy_set: subject.policySet,
    target: action.target,
    operation: action.operation,
    effect: action.effect,
    sensitivity: action.sensitivity,
    resources: action.resources,
    arguments: action.arguments,
  });
  return `sha256:${sha256(text)}`;
}

/** The digest of a JSON value: `sha256:` and 64 hexadecimal digits over its RFC 8785 form. */
export function jsonDigest(value: JsonValue, sha256: Sha256Hex): string {
  return `sha256:${sha256(canonicalJson(value))}`;
}

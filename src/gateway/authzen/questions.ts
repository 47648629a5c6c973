import { InvalidRequest } from '../../core/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';
import { memberProblem, MEMBERS, readEvaluation, type Evaluation, type Members } from './evaluation.ts';

/** When the questions of one call are over before the last: Authorization API 1.0, section 7.1.2.1. */
const SEMANTICS = ['execute_all', 'deny_on_first_deny', 'permit_on_first_permit'] as const;
export type Semantics = (typeof SEMANTICS)[number];

/** A question that could be read, or what is wrong with it. */
export type Question = Evaluation | { problem: string };

/** What one call asks. `single`: the answer is one, and not a list of them. */
export type Questions = { single: boolean; semantics: Semantics; asked: readonly Question[] };

/** All are decided between two turns of the event loop, so this bounds how long others wait for them. */
export const MAX_EVALUATIONS = 100;
/** Characters of JSON that stand in for members of entries, in all of them together: each is decided on and recorded whole. */
const MAX_STANDING_IN = 1024 * 1024;

/** @throws InvalidRequest for one question that cannot be read. */
export function readOne(body: JsonObject): Questions {
  const evaluation = readEvaluation(membersOf(body));
  if ('problem' in evaluation) throw new InvalidRequest(evaluation.problem);
  return { single: true, semantics: 'execute_all', asked: [evaluation] };
}

/**
 * The questions of a call of `evaluations`, section 7.1: members beside the list stand in for those that an entry lacks. Without a
 * list, or with an empty one, it is the one question that they are. What is wrong with one entry is that entry's answer.
 *
 * @throws InvalidRequest for what is wrong with the call as a whole.
 */
export function readMany(body: JsonObject): Questions {
  const entries = body['evaluations'] ?? [];
  if (!Array.isArray(entries)) throw new InvalidRequest('`evaluations` is not a list');
  if (entries.length === 0) return readOne(body);
  if (entries.length > MAX_EVALUATIONS) {
    throw new InvalidRequest(`\`evaluations\` has more than ${MAX_EVALUATIONS} entries; ask in several calls`);
  }
  const semantics = semanticsOf(body['options']);
  const defaults = membersOf(body);
  if (JSON.stringify(defaults).length * entries.length > MAX_STANDING_IN) {
    throw new InvalidRequest(
      'what stands in for members of the entries is too large for so many; ask in several calls',
    );
  }
  for (const name of MEMBERS) {
    const value = defaults[name];
    const problem = value === undefined ? null : memberProblem(name, value);
    if (problem !== null) throw new InvalidRequest(problem);
  }
  return { single: false, semantics, asked: entries.map((entry) => readEntry(entry, defaults)) };
}

function readEntry(entry: JsonValue, defaults: Members): Question {
  if (!isJsonObject(entry)) return { problem: 'the entry is not an object' };
  return readEvaluation({ ...defaults, ...membersOf(entry) });
}

function membersOf(body: JsonObject): Members {
  return Object.fromEntries(MEMBERS.filter((name) => Object.hasOwn(body, name)).map((name) => [name, body[name]!]));
}

function semanticsOf(options: JsonValue | undefined): Semantics {
  if (options === undefined) return 'execute_all';
  if (!isJsonObject(options)) throw new InvalidRequest('`options` is not an object');
  const stated = options['evaluations_semantic'] ?? 'execute_all';
  const known = SEMANTICS.find((each) => each === stated);
  if (known !== undefined) return known;
  throw new InvalidRequest(`\`options.evaluations_semantic\` is none of ${SEMANTICS.join(', ')}`);
}

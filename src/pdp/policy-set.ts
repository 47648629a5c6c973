import type { Effect as CedarEffect, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import type { Sha256Hex } from '../core/action.ts';
import { readApprovalRule } from '../core/approval-rule.ts';
import { InvalidConfig } from '../core/errors.ts';
import { canonicalJson } from '../core/json.ts';
import { splitPolicies, SplitError, type Statement } from './cedar/split.ts';
import { policyToJson } from './cedar/to-json.ts';
import { suggestion } from './schema/names.ts';
import { parseLinks, type Link } from './template-links.ts';

/** One policy as Remit needs to know it. Plain data: it may come from another thread. */
export type Policy = {
  /** `@id("…")`, or the file's name and the policy's place in it, such as `base.cedar#2`; of a link, the link's id. */
  id: string;
  effect: CedarEffect;
  text: string;
  file: string;
  /** Line of the file, from 1, that `text` starts on. */
  firstLine: number;
  /** Line of the file that the policy itself starts on, behind its comments. */
  line: number;
  /** `@reason("…")`: what the caller and the approver read. */
  reason: string | undefined;
  /** `@control("ASI03, NHI5")`, split at commas. */
  controls: string[];
  /** `@approval("2 of owners")`, on a `forbid` only: a text for `readApprovalRule`. */
  approval: string | undefined;
  /** `@observe`: evaluated and recorded, never enforced. */
  observe: boolean;
  /** Cedar's JSON policy format, as text: ten thousand policies as objects would fill the memory. */
  json: string;
  /** Of a template's link. */
  slots: Record<string, { type: string; id: string }> | undefined;
};

/** An immutable set of policies, named by the hash of its files. */
export type PolicySet = {
  /** `sha256:` and 64 hexadecimal digits over file names and texts. */
  hash: string;
  files: Readonly<Record<string, string>>;
  policies: ReadonlyMap<string, Policy>;
};

/** Names the set of these files. */
export function policySetHash(files: Readonly<Record<string, string>>, sha256: Sha256Hex): string {
  return `sha256:${sha256(canonicalJson(files))}`;
}

/**
 * Parses a policy set. `files` maps names to texts: `base.cedar` holds Cedar, `base.links.json` the links of templates.
 *
 * @throws InvalidConfig naming file and line, for text that is not Cedar, an id used twice, annotations without sense,
 *   a link to no template, or a set that permits nothing at all.
 */
export function parsePolicySet(files: Record<string, string>, sha256: Sha256Hex): PolicySet {
  return assemblePolicySet(parsePolicies(files), files, policySetHash(files, sha256));
}

/**
 * `policies` are those of `files`, from parsePolicies.
 *
 * @throws InvalidConfig for a set that permits nothing.
 */
export function assemblePolicySet(
  policies: Iterable<Policy>,
  files: Readonly<Record<string, string>>,
  hash: string,
): PolicySet {
  const byId = new Map<string, Policy>();
  let permits = false;
  for (const policy of policies) {
    byId.set(policy.id, policy);
    permits ||= policy.effect === 'permit' && !policy.observe;
  }
  if (!permits) throw new InvalidConfig('the policy set permits nothing; add at least one `permit` policy');
  return { hash, files, policies: byId };
}

/** The policies and links of the files, in order, one at a time. @throws InvalidConfig as parsePolicySet */
export function* parsePolicies(files: Readonly<Record<string, string>>): Generator<Policy> {
  const templates = new Map<string, Policy>();
  const ids = new UsedIds();
  const names = Object.keys(files).sort();
  for (const file of names.filter((name) => !isLinks(name))) {
    for (const [place, statement] of statementsOf(file, files[file]!).entries()) {
      const policy = parsePolicy(file, place, statement);
      ids.take(policy.id, `${file}:${policy.line}`, statement.isTemplate ? 'template' : 'policy');
      if (statement.isTemplate) templates.set(policy.id, policy);
      else yield policy;
    }
  }
  for (const file of names.filter(isLinks)) {
    for (const [place, link] of parseLinks(file, files[file]!).entries()) {
      ids.take(link.id, `${file}: link ${place + 1}`, 'link');
      yield linked(file, link, templates);
    }
  }
}

/** Answers, records and messages name a policy by its id alone. */
class UsedIds {
  readonly #places = new Map<string, string>();

  /** @throws InvalidConfig */
  take(id: string, place: string, kind: 'policy' | 'template' | 'link'): void {
    const problem = idProblem(id);
    if (problem !== null) throw new InvalidConfig(`${place}: the ${kind}'s id ${problem}`);
    const first = this.#places.get(id);
    if (first !== undefined) {
      throw new InvalidConfig(`${place}: ${kind} id \`${id}\` is used twice, first at ${first}; give each its own id`);
    }
    this.#places.set(id, place);
  }
}

const MAX_ID_LENGTH = 256;

function idProblem(id: string): string | null {
  if (id === '') return 'is empty; give it a name';
  if (id.length > MAX_ID_LENGTH) return `is longer than ${MAX_ID_LENGTH} characters`;
  if (/\p{Cc}/u.test(id) || !id.isWellFormed()) return 'holds a control character, or is no Unicode text';
  return null;
}

function isLinks(name: string): boolean {
  return name.endsWith('.links.json');
}

function linked(file: string, { id, template, slots }: Link, templates: ReadonlyMap<string, Policy>): Policy {
  const found = templates.get(template);
  if (found === undefined) {
    const near = suggestion(template, [...templates.keys()]);
    throw new InvalidConfig(`${file}: link \`${id}\` names no template: \`${template}\`${near}`);
  }
  const { principal, resource } = JSON.parse(found.json) as PolicyJson;
  const wanted = new Set([principal, resource].flatMap(slotsOf));
  const unused = Object.keys(slots).find((slot) => !wanted.has(slot));
  if (unused !== undefined) throw new InvalidConfig(`${file}: link \`${id}\`: its template has no \`${unused}\``);
  const missing = [...wanted].find((slot) => !Object.hasOwn(slots, slot));
  if (missing !== undefined) throw new InvalidConfig(`${file}: link \`${id}\` gives no value for \`${missing}\``);
  return { ...found, id, slots };
}

/** The slots of one part of a head: conditions have none. */
function slotsOf(constraint: object): string[] {
  return Object.entries(constraint).flatMap(([name, value]: [string, unknown]) => {
    if (name === 'slot') return [String(value)];
    return typeof value === 'object' && value !== null ? slotsOf(value) : [];
  });
}

function statementsOf(file: string, text: string): Statement[] {
  try {
    return splitPolicies(text);
  } catch (error) {
    if (error instanceof SplitError) throw new InvalidConfig(`${file}:${error.line}: ${error.message}`);
    throw error;
  }
}

function parsePolicy(file: string, place: number, statement: Statement): Policy {
  const parsed = policyToJson(statement);
  if (!parsed.ok) {
    const at = parsed.error?.sourceLocations?.[0];
    const line = at === undefined ? statement.line : lineAt(statement, at.start);
    const expected = at?.label ? ` (${at.label})` : '';
    const problem = parsed.error?.message.replace(/^failed to parse (?:policy|template) from string: /, '');
    throw new InvalidConfig(`${file}:${line}: ${problem ?? 'is not a Cedar policy'}${expected}`);
  }
  const { effect } = parsed.json;
  // Cedar's form of an annotation without a value is `null`.
  const annotations: Record<string, string | undefined> = Object.fromEntries(
    Object.entries<string | null>(parsed.json.annotations ?? {}).map(([name, value]) => [name, value ?? '']),
  );
  const where = `${file}:${statement.line}`;
  const id = annotations['id'] ?? `${file}#${place + 1}`;
  const problem = annotationProblem(annotations, effect);
  if (problem !== null) throw new InvalidConfig(`${where}: policy \`${shownId(id)}\` ${problem}`);
  return {
    id,
    effect,
    text: statement.text,
    file,
    firstLine: statement.firstLine,
    line: statement.line,
    reason: annotations['reason']?.trim() === '' ? undefined : annotations['reason'],
    controls: (annotations['control'] ?? '')
      .split(',')
      .map((control) => control.trim())
      .filter((control) => control !== ''),
    approval: annotations['approval']?.trim(),
    observe: annotations['observe'] !== undefined,
    json: JSON.stringify(parsed.json),
    slots: undefined,
  };
}

/** What a caller, an approver or a record may have to carry. */
const MAX_ANNOTATION_LENGTH = 4096;

function annotationProblem(
  annotations: Readonly<Record<string, string | undefined>>,
  effect: CedarEffect,
): string | null {
  for (const name of ANNOTATIONS) {
    if ((annotations[name]?.length ?? 0) > MAX_ANNOTATION_LENGTH) {
      return `has an @${name} longer than ${MAX_ANNOTATION_LENGTH} characters; shorten it`;
    }
  }
  const approval = annotations['approval'];
  if (approval === undefined) return null;
  if (effect === 'permit') return 'has @approval on a permit; put it on the forbid that an approval may lift';
  if (approval.trim() === '') return 'has an empty @approval; name the group or person who may approve';
  const read = readApprovalRule(approval);
  return 'problem' in read ? `has an @approval that ${read.problem}` : null;
}

/** The annotations that mean something to Remit. */
export const ANNOTATIONS = ['id', 'reason', 'control', 'approval', 'observe'] as const;

/** An id is judged after what else is wrong with its policy. */
function shownId(id: string): string {
  return id.length > MAX_ID_LENGTH ? `${id.slice(0, 40)}…` : id;
}

/** Line of the file, from 1, of a byte offset into the UTF-8 form of a statement: Cedar counts bytes. */
export function lineAt({ text, firstLine }: Pick<Statement, 'text' | 'firstLine'>, byteOffset: number): number {
  const before = new TextEncoder().encode(text).subarray(0, byteOffset);
  return before.reduce((line, byte) => (byte === 0x0a ? line + 1 : line), firstLine);
}

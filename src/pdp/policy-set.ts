import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { canonicalJson } from '../core/json.ts';
import type { Sha256Hex } from '../core/action.ts';
import { InvalidConfig } from '../core/errors.ts';

/** One policy as Remit needs to know it; the text stays with Cedar. */
export type Policy = {
  /** `@id("…")`, or the file's name and the policy's place in it, such as `base.cedar#2`. */
  id: string;
  effect: 'permit' | 'forbid';
  text: string;
  /** `@reason("…")`: what the caller and the approver read. */
  reason: string | undefined;
  /** `@control("ASI03", …)`, split at commas. */
  controls: string[];
  /** `@approval("group-or-person")`, on a `forbid` only. */
  approval: string | undefined;
  /** `@observe`: evaluated and recorded, never enforced. */
  observe: boolean;
};

/** An immutable set of policies, named by the hash of its files. */
export type PolicySet = {
  /** `sha256:` and 64 hexadecimal digits over file names and texts. */
  hash: string;
  files: Readonly<Record<string, string>>;
  policies: ReadonlyMap<string, Policy>;
};

/**
 * Parses a policy set. `files` maps names (`base.cedar`) to Cedar text.
 *
 * @throws InvalidConfig naming file and line, for text that is not Cedar, an id used twice, a template, `@approval` on
 *   a `permit`, or a set that permits nothing at all.
 */
export function parsePolicySet(files: Record<string, string>, sha256: Sha256Hex): PolicySet {
  const policies = new Map<string, Policy>();
  for (const file of Object.keys(files).sort()) {
    for (const policy of parseFile(file, files[file]!)) {
      if (policies.has(policy.id)) {
        throw new InvalidConfig(`${file}: policy id \`${policy.id}\` is used twice; give each policy its own @id`);
      }
      policies.set(policy.id, policy);
    }
  }
  if (![...policies.values()].some((policy) => policy.effect === 'permit' && !policy.observe)) {
    throw new InvalidConfig('the policy set permits nothing; add at least one `permit` policy');
  }
  return { hash: `sha256:${sha256(canonicalJson(files))}`, files, policies };
}

function parseFile(file: string, text: string): Policy[] {
  const parts = cedar.policySetTextToParts(text);
  if (parts.type === 'failure') throw new InvalidConfig(describeParseError(file, text, parts.errors));
  if (parts.policy_templates.length > 0) {
    throw new InvalidConfig(`${file}: templates are not supported; write the policies out`);
  }
  return parts.policies.map((policyText, place) => parsePolicy(file, place, policyText));
}

function parsePolicy(file: string, place: number, text: string): Policy {
  const parsed = cedar.policyToJson(text);
  if (parsed.type === 'failure') throw new InvalidConfig(describeParseError(file, text, parsed.errors));
  const { effect, annotations = {} } = parsed.json;
  const id = annotations['id'] ?? `${file}#${place + 1}`;
  if (annotations['approval'] !== undefined && effect === 'permit') {
    throw new InvalidConfig(
      `${file}: policy \`${id}\` has @approval on a permit; put it on the forbid that an approval may lift`,
    );
  }
  if (annotations['approval'] !== undefined && annotations['approval'].trim() === '') {
    throw new InvalidConfig(
      `${file}: policy \`${id}\` has an empty @approval; name the group or person who may approve`,
    );
  }
  return {
    id,
    effect,
    text,
    reason: annotations['reason'],
    controls: (annotations['control'] ?? '')
      .split(',')
      .map((control) => control.trim())
      .filter((control) => control !== ''),
    approval: annotations['approval']?.trim(),
    observe: annotations['observe'] !== undefined,
  };
}

function describeParseError(file: string, text: string, errors: readonly cedar.DetailedError[]): string {
  const first = errors[0];
  const at = first?.sourceLocations?.[0];
  const line = at === undefined ? '' : `:${lineOf(text, at.start)}`;
  const expected = at?.label ? ` (${at.label})` : '';
  return `${file}${line}: ${first?.message ?? 'is not a Cedar policy set'}${expected}`;
}

/** Line number, from 1, of a byte offset into the UTF-8 form of `text`: Cedar counts bytes. */
function lineOf(text: string, byteOffset: number): number {
  const before = new TextEncoder().encode(text).subarray(0, byteOffset);
  return before.reduce((lines, byte) => (byte === 0x0a ? lines + 1 : lines), 1);
}

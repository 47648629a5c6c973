import type { MintConfig } from '../config/mint.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import { readPointer } from '../core/json-pointer.ts';
import { handleOf, type Lease, type LeaseEnd } from '../core/lease.ts';
import { fill } from './template.ts';

/** What a declared answer says came to exist. */
export type Came = { identifier: string; value: string | null; expiresAt: number | null };

/** @returns what is missing or no such thing, in words that hold nothing of the answer. */
export function whatCame(answer: JsonValue, mint: MintConfig, now: number): Came | { problem: string } {
  const identifier = scalar(readPointer(answer, mint.id));
  if (identifier === null) return { problem: `there is no identifier at \`${mint.id}\`` };
  const value = valueIn(answer, mint);
  if (mint.value !== null && value === null) return { problem: `there is no value at \`${mint.value}\`` };
  const expiresAt = expiryOf(answer, mint, now);
  if (expiresAt === undefined) return { problem: 'there is no lifetime where it should be' };
  return { identifier, value, expiresAt };
}

/** What stands where the target file says that the value is. */
export function valueIn(answer: JsonValue | undefined, { value }: Pick<MintConfig, 'value'>): string | null {
  return answer === undefined || value === null ? null : scalar(readPointer(answer, value));
}

/** Identifiers may be numbers. Nothing else stands for one, and nothing empty does. */
function scalar(found: JsonValue | undefined): string | null {
  // One that was rounded is another: what is asked to be taken back would be something else, or "not found".
  if (typeof found === 'number') return Number.isSafeInteger(found) ? String(found) : null;
  return typeof found === 'string' && found !== '' && found.isWellFormed() ? found : null;
}

/** Seconds from now, or a time; `undefined` for what is neither. */
function expiryOf(answer: JsonValue, { lifetime }: MintConfig, now: number): number | null | undefined {
  if (lifetime === null) return null;
  if (typeof lifetime === 'number') return Math.floor(now + lifetime);
  const found = readPointer(answer, lifetime.pointer);
  if (typeof found === 'number' && found >= 0 && found <= 1e10) return Math.floor(now + found * 1000);
  const time = typeof found === 'string' ? Date.parse(found) : Number.NaN;
  return Number.isFinite(time) ? time : undefined;
}

/** How what came is taken back, complete. Where a template asks for what the call did not have, a person has to. */
export function endOf(
  mint: MintConfig,
  { id, target, inputs }: Pick<Lease, 'id' | 'target' | 'inputs'>,
  identifier: string,
): LeaseEnd {
  // The value itself is nowhere but sealed: its handle stands for it until the call is made.
  const filling = { id: identifier, value: mint.value === null ? null : handleOf(id), arguments: inputs };
  const { revoke } = mint;
  if (revoke.by === 'keeping') return revoke;
  if (revoke.by === 'hand') {
    const step = fill(revoke.step, filling);
    return { by: 'hand', step: typeof step === 'string' ? step : `${revoke.step} (id \`${identifier}\`)` };
  }
  const filled = fill(revoke.arguments, filling);
  if (filled === undefined) {
    const { operation } = revoke;
    const step = `revoke \`${identifier}\` at \`${target}\` as \`${operation}\` does: its declared arguments ask for what the call did not have`;
    return { by: 'hand', step };
  }
  return { by: 'call', operation: revoke.operation, arguments: filled as JsonObject, gone: revoke.gone };
}

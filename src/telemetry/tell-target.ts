import type { Sha256Hex } from '../core/action.ts';
import type { TargetConfig } from '../config/config.ts';
import type { Exchange } from '../gateway/exchange.ts';
import type { TokenKey } from '../token/signing-key.ts';
import { attribute } from '../token/attribution.ts';
import { ATTRIBUTION_HEADER } from '../token/attribution-form.ts';
import { traceparentOf } from './traceparent.ts';

/**
 * The headers that tell a target of a permitted call, in lower case: `traceparent`, and an attribution where its file asks for
 * one. `traceparent` is what the caller sent, if anything.
 */
export type TellTarget = (
  exchange: Exchange<unknown, unknown>,
  target: TargetConfig,
  traceparent: string | null,
) => Promise<Record<string, string>>;

export type TellTargetParts = {
  key: Pick<TokenKey, 'sign'>;
  issuer: string;
  clock: () => number;
  sha256: Sha256Hex;
};

export function createTellTarget(parts: TellTargetParts): TellTarget {
  return async ({ id, recordId, action, chain }, target, traceparent) => {
    if (recordId === undefined || action === undefined || chain === undefined)
      throw new Error('a target is told before the decision is recorded');
    const headers = { traceparent: traceparentOf({ record: recordId, request: id }, traceparent, parts.sha256) };
    if (target.attribution !== true) return headers;
    const attribution = await attribute({ record: recordId, target: target.name, action, chain }, parts);
    return { ...headers, [ATTRIBUTION_HEADER]: attribution };
  };
}

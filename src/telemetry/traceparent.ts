import type { Sha256Hex } from '../core/action.ts';

/** What a `traceparent` says. W3C Trace Context Level 2, section 3.2. */
export type Trace = {
  /** 32 hexadecimal digits: one trace, through all systems. */
  traceId: string;
  /** 16 hexadecimal digits: the request that caused this one. */
  parentId: string;
  /** Bit 0: the caller may have recorded; bit 1: the trace id is random. */
  flags: number;
};

const FORM = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const KNOWN_FLAGS = 0b11;
const RECORDED_AND_RANDOM = 0b11;

/** Reads a `traceparent`; `null` for one that section 3.2.2 has us ignore. A later version is read as far as we know it. */
export function readTraceparent(header: string | null | undefined): Trace | null {
  if (typeof header !== 'string' || header.length > 512) return null;
  const [, version, traceId, parentId, flags, more] = FORM.exec(header.trim()) ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return null;
  if (/^0+$/.test(traceId!) || /^0+$/.test(parentId!)) return null;
  return { traceId: traceId!, parentId: parentId!, flags: Number.parseInt(flags!, 16) & KNOWN_FLAGS };
}

/** Which record and request a governed call belongs to. */
export type Traced = { record: string; request: string };

/**
 * The `traceparent` of a governed call. The caller's trace goes on where it has a valid one; else the request begins one.
 * Its parent id is derived from the record of the decision, so that a target's log names the record, and nothing has to be
 * kept to find it again (see reconcile/). `tracestate` is not passed on: it is the caller's own text.
 */
export function traceparentOf(call: Traced, caller: string | null | undefined, sha256: Sha256Hex): string {
  const given = readTraceparent(caller);
  const traceId = given?.traceId ?? traceIdOf(call.request, sha256);
  const flags = given?.flags ?? RECORDED_AND_RANDOM;
  return `00-${traceId}-${parentIdOf(call.record, sha256)}-${flags.toString(16).padStart(2, '0')}`;
}

/** The parent id that targets see for a record: 64 bits of a hash over its random id. */
export function parentIdOf(record: string, sha256: Sha256Hex): string {
  return sha256(`traceparent ${record}`).slice(0, 16);
}

/** The id of the trace that a request of ours begins. */
export function traceIdOf(request: string, sha256: Sha256Hex): string {
  return sha256(`trace ${request}`).slice(0, 32);
}

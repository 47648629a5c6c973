import type { Records } from './records.ts';

/** What a sealed value is: a secret of `remit secret`, a refresh token that replaced another, what a delegator consented to, a token that a task has at a target. */
export type SealedKind = 'secret' | 'refresh_token' | 'consent' | 'task_token';

/** Whatever is kept sealed: besides, the value of a lease by its id, and the text of a prompt by its task. */
export type AnySealed = SealedKind | 'lease' | 'prompt';

/** What is needed to seal it anew. Of a lease and a prompt there is only version 1. */
export type SealedText = { kind: AnySealed; name: string; version: number; sealed: string };

export type SealedValue = {
  kind: SealedKind;
  /** Unique within its kind. */
  name: string;
  /** From 1. Goes on counting when the value was removed and is put again. */
  version: number;
  /** The value, encrypted. */
  sealed: string;
  /** Whose end it ends with; `null` when it is of no task. */
  task: string | null;
  /** When it is of no use any more, in ms since the epoch; `null` for never. */
  expiresAt: number | null;
  /** Milliseconds since the epoch. */
  at: number;
};

/** Encrypted values. The store does not know what is in them. */
export interface SealedStore {
  /** `undefined` when there is none, or it was removed. */
  sealedValue(kind: SealedKind, name: string): SealedValue | undefined;
  /** The version that it has, or had when it was removed; 0 when it never was. */
  sealedVersion(kind: SealedKind, name: string): number;
  /** By name; only those of one task when told. */
  sealedValues(kind: SealedKind, task?: string): SealedValue[];
  /** Its version has to be the next one: of many that put one, one is told `put`. */
  putSealed(value: SealedValue, records: Records): Promise<'put' | 'stale'>;
  /** Only this version. Of a value of a task nothing is left; of others, the count of versions. */
  removeSealed(value: Pick<SealedValue, 'kind' | 'name' | 'version'>, records: Records): Promise<'removed' | 'stale'>;
  /** By name, those behind `after`. */
  sealedTexts(page: { kind: AnySealed; after: string | null; limit: number }): SealedText[];
  /** The same value, sealed anew: only in the place of exactly `was`. */
  reseal(text: SealedText & { was: string }): Promise<'resealed' | 'stale'>;
}

import type { JsonObject } from '../core/json.ts';

/** What an operation brings into the world, where its answer says so, and how it is taken out of it again. */
export type MintConfig = {
  kind: 'secret' | 'session' | 'ticket';
  /** JSON Pointer (RFC 6901) into the answer: the secret. `null` for a ticket, which is none. */
  value: string | null;
  /** JSON Pointer into the answer: what the target calls it. */
  id: string;
  /** How long it lives: milliseconds, or a pointer to seconds or to an RFC 3339 time in the answer. `null`: it does not say. */
  lifetime: number | { pointer: string } | null;
  /** Texts of templates: `{id}`, and `{/pointer}` into the arguments of the call. */
  revoke: RevokeConfig;
  /** Targets towards which the value may be sent. */
  usableAt: readonly string[];
  /** What an answer that says the call has failed means: something may have been made all the same, or nothing was. */
  failure: 'doubtful' | 'nothing';
  /** A call that lists what there is, to learn what came of a call that was not answered. */
  find: FindConfig | null;
};

export type RevokeConfig =
  | { by: 'call'; operation: string; arguments: JsonObject; gone: readonly string[] }
  | { by: 'hand'; step: string }
  | { by: 'keeping'; why: string };

export type FindConfig = {
  operation: string;
  arguments: JsonObject;
  /** Pointers: to the list in the answer, and from each item to its identifier. */
  items: string;
  id: string;
  /** Pointers from an item, each with a template for what has to stand there. */
  where: Readonly<Record<string, string>>;
};

/** What happens to something in an answer that looks like a secret and that nobody has declared. */
export const FOUND_SECRETS = ['hold', 'mask', 'pass'] as const;
export type FoundSecrets = (typeof FOUND_SECRETS)[number];

import type { JsonObject, JsonValue } from '../core/json.ts';
import type { Lease } from '../core/lease.ts';

/** What a target has said to a call of Remit's own. `text` is shown to operators; nothing secret is in it. */
export type Said =
  | { said: 'done'; answer: JsonValue | undefined }
  /** The target has answered, and has not done it. `gone`: in its protocol's own words, since there is no such thing. */
  | { said: 'refused'; text: string; gone: boolean };

/** Calls of Remit's own, one after the other, under the target's own credential and under no task. */
export interface TargetCaller {
  /** @throws RemitError when the target does not answer, or the operation is not what was accepted. */
  call(operation: string, args: JsonObject): Promise<Said>;
  /** Never rejects. */
  close(): Promise<void>;
}

/** For whom it is called: the lease says which task and delegator the credential is used for. */
export type OpenCaller = (target: string, lease: Lease) => Promise<TargetCaller>;

import type { JsonObject } from '../../core/json.ts';
import { isJsonObject } from '../../core/json.ts';
import type { NamedCredential } from '../../credential/credential.ts';
import type { LiveWork } from '../live.ts';
import type { Outcome } from '../exchange.ts';
import { CutOff } from './failure.ts';
import { RPC } from './message.ts';
import type { Channel } from './upstream/channel.ts';

/** A permitted call on its way: what can end it, and what became of it. */
export type Call = {
  /** Aborts when the task ends, the caller goes away, or the channel is closed. */
  readonly signal: AbortSignal;
  readonly outcome: Promise<Outcome>;
  /** The request leaves for the upstream: from here on it may be carried out. */
  sent: () => void;
  /** The request carries this credential. */
  injected: (named: NamedCredential) => void;
  /** Stops what is under way. */
  abort(error: Error): void;
  /** The caller's going no longer ends it: its answer can be fetched on another stream. */
  outlives(): void;
  /** The first outcome counts. */
  finish(outcome: Outcome): void;
};

/** @param under the task, the token that the call came with, the id of its request, and the target. */
export function openCall(
  under: { taskId: string; tokenId: string; id: string; target: string },
  callerGone: AbortSignal,
  channel: Channel,
  live: LiveWork,
): Call {
  const stopping = new AbortController();
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  let finished = false;
  let left = false;
  let credential: NamedCredential | undefined;

  const onGone = (): void => abort(new CutOff('the caller went away'));
  const onClosed = (): void => abort(new CutOff(messageOf(channel.closed.reason)));
  callerGone.addEventListener('abort', onGone, { once: true });
  channel.closed.addEventListener('abort', onClosed, { once: true });
  // A task that has just ended, or a token just revoked, cuts within `attach`, before there is anything to detach.
  let detach = (): void => {};
  detach = live.attach({ ...under, kind: 'call' }, (reason) => abort(new CutOff(reason)));
  if (callerGone.aborted) onGone();
  if (channel.closed.aborted) onClosed();

  function abort(error: Error): void {
    stopping.abort(error);
    // At once, and not when the client next reads: it may never do so again.
    if (error instanceof CutOff) finish({ status: 'cut', detail: error.message });
  }

  function finish(outcome: Outcome): void {
    if (finished) return;
    finished = true;
    detach();
    callerGone.removeEventListener('abort', onGone);
    channel.closed.removeEventListener('abort', onClosed);
    const undone = !left && (outcome.status === 'failed' || outcome.status === 'cut');
    const named = credential === undefined ? outcome : { ...outcome, credential };
    resolve(undone ? { ...named, nothingDone: true } : named);
  }

  return {
    signal: stopping.signal,
    outcome: promise,
    sent: () => void (left = true),
    injected: (named) => void (credential = named),
    abort,
    outlives: () => callerGone.removeEventListener('abort', onGone),
    finish,
  };
}

function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : 'the session was closed';
}

/** JSON-RPC 2.0, section 5.1: the request was not understood, so its method was not run. */
const REFUSED_UNDONE: ReadonlySet<number> = new Set([
  RPC.parse,
  RPC.invalidRequest,
  RPC.methodNotFound,
  RPC.invalidParams,
]);

/** What a response of the upstream says became of the call. */
export function outcomeOf(message: JsonObject): Outcome {
  const { result, error } = message;
  if (isJsonObject(result)) return { status: result['isError'] === true ? 'tool_error' : 'ok', result };
  const code = isJsonObject(error) ? error['code'] : undefined;
  return {
    status: 'failed',
    detail: `the target answered with error ${typeof code === 'number' ? code : 'unknown'}`,
    // The agent reads what it says, too.
    ...(isJsonObject(error) ? { read: { value: error } } : {}),
    ...(typeof code === 'number' && REFUSED_UNDONE.has(code) ? { nothingDone: true } : {}),
  };
}

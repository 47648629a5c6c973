import type { JsonObject } from '../../../core/json.ts';
import type { NamedCredential } from '../../../credential/credential.ts';
import type { RequestMessage } from '../message.ts';
import type { Revision } from '../methods.ts';
import type { SeenDefinitions } from '../seen-definitions.ts';
import type { SseEvent } from '../sse.ts';

/**
 * The way of one client session (2025-11-25), or of one task (2026-07-28), to the upstream. INVARIANT 13: a channel
 * belongs to one task at one target.
 */
export type Channel = {
  readonly revision: Revision;
  /** Whether the upstream can be sent an answer to a request of its own. */
  readonly takesAnswers: boolean;
  /** What this upstream connection has said its tools are. */
  readonly seen: SeenDefinitions;
  /** Requests of the upstream that the client was shown and may answer. */
  readonly asked: Set<string>;
  /** Requests whose answer has not come yet, by the key of their id: what a response is checked against. */
  readonly waiting: Map<string, Waiting>;
  /** Aborts when the channel is closed. */
  readonly closed: AbortSignal;
  /** Sends one request. What comes back ends with the response. */
  request(message: RequestMessage, how: Sending): Promise<Reply>;
  /** Sends a notification, or the answer to a request of the upstream. Returns the HTTP status for the client. */
  send(message: JsonObject, how: Sending): Promise<number>;
  /** Opens the stream of what belongs to no request; `null` when the upstream has none. */
  listen(lastEventId: string | null, signal: AbortSignal): Promise<Reply | null>;
  /** Ends the upstream session. Never rejects. */
  close(reason: string): Promise<void>;
};

/** What is to be done with the response to a request: returns it as the client may see it. */
export type Waiting = {
  settle: (message: JsonObject) => Promise<JsonObject>;
  /** The client has said that it does not want the answer any more. */
  cancel: () => void;
  /** The response brings a secret that nobody knows yet: see `InspectParts`. */
  quiet: boolean;
};

export type Sending = {
  /** Aborts at the latest when the channel is closed. Not combined here: that costs memory for each request. */
  signal: AbortSignal;
  /** Called right before the message leaves. Until then it cannot have been carried out. */
  sent?: () => void;
  /** Name of the policy set that permitted it; absent when nothing had to. */
  policySet?: string;
  /** Called with the name of the credential that the request carries. */
  injected?: (named: NamedCredential) => void;
  /** Headers of the client's request that belong to MCP. */
  headers?: Record<string, string>;
};

export type Reply = {
  status: number;
  /** `auto`: one JSON body when the response is the first thing that comes, a stream otherwise. */
  form: 'json' | 'stream' | 'auto';
  /** Each event's data is one JSON-RPC message, or empty. */
  events: AsyncIterable<SseEvent>;
};

import type { TargetConfig } from '../../config/config.ts';
import type { Peer } from '../../identity/peer.ts';
import type { Step } from '../pipeline.ts';
import type { Exchange } from '../exchange.ts';
import type { ApprovalRetry } from './approval-retry.ts';
import type { McpAnswer } from './answer.ts';
import type { RequestMessage } from './message.ts';
import type { Method, Revision } from './methods.ts';
import type { Channel } from './upstream/channel.ts';

/** One HTTP request to a target's MCP endpoint. */
export type McpRequest = {
  readonly http: Request;
  readonly peer: Peer;
  readonly target: TargetConfig;
  /** From step 2: the JSON-RPC request in it. */
  call?: InboundCall;
};

export type InboundCall = {
  revision: Revision;
  message: RequestMessage;
  method: Exclude<Method, { kind: 'pass' }>;
  /** Where the request goes: the upstream of this session, or of this task. `null` until an `initialize` is permitted. */
  channel: Channel | null;
  /** Whether the client can send a person to a URL. */
  opensUrls: boolean;
  /** The call comes back for an approval that it was told to wait for. */
  retry: ApprovalRetry | null;
  /** It carries answers to what the upstream had asked for, which would be lost if Remit asked something itself. */
  answersUpstream: boolean;
};

export type McpExchange = Exchange<McpRequest, McpAnswer>;
export type McpStep = Step<McpRequest, McpAnswer>;

import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { Peer } from '../../identity/peer.ts';
import type { Exchange } from '../exchange.ts';
import type { Step } from '../pipeline.ts';
import type { HttpAnswer } from './answer.ts';
import type { ApiOperation, ApiTarget } from './api-target.ts';
import type { RequestBody } from './read-body.ts';
import type { RequestHeaders } from './request-headers.ts';
import type { Http2Answer } from './http2-answer.ts';
import type { Upgrading } from './websocket.ts';
import type { RequestTarget } from './request-target.ts';

/** Where the answer is written, by the version of HTTP that the client speaks. */
export type ClientResponse = ServerResponse | Http2Answer;

/** One request to an HTTP target, as it came. */
export type HttpRequest = {
  /** Its body. */
  readonly incoming: Readable;
  readonly response: ClientResponse;
  readonly method: string;
  readonly at: RequestTarget;
  readonly headers: RequestHeaders;
  readonly peer: Peer;
  readonly target: ApiTarget;
  /** The connection is to become a WebSocket. */
  readonly upgrading?: Upgrading;
  /** From step 2, for an operation that the target has. */
  call?: ApiCall;
};

/** What is sent if it is permitted. */
export type ApiCall = {
  operation: ApiOperation;
  /** Path and query below the origin of the upstream, byte for byte. */
  path: string;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: RequestBody['sent'];
};

export type HttpExchange = Exchange<HttpRequest, HttpAnswer>;
export type HttpStep = Step<HttpRequest, HttpAnswer>;

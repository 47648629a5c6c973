import type { RemitError } from '../../core/errors.ts';
import type { Caller } from '../../identity/caller.ts';
import type { LiveWork } from '../live.ts';
import type { ActHooks } from './act-hooks.ts';
import type { ApiTarget } from './api-target.ts';
import type { HttpExchange, HttpStep } from './request.ts';
import type { Inject } from './inject.ts';
import type { Upstreams } from './upstream.ts';

export type Authenticate = (
  request: {
    method: string;
    url: string;
    headers: { get(name: string): string | null };
    certificate?: string | undefined;
  },
  audience: string,
) => Promise<Caller>;

/** A logger in pino's form. */
export type GatewayLog = Record<'info' | 'warn' | 'error', (fields: object, message: string) => void>;

/** What the HTTP gateway works with. Functions whose time, ids or randomness matter are injected. */
export type HttpParts = {
  targets: ReadonlyMap<string, ApiTarget>;
  /** Without a trailing slash. */
  publicUrl: string;
  authenticate: Authenticate;
  steps: { gather: HttpStep; decide: HttpStep; record: HttpStep; observe: HttpStep };
  live: LiveWork;
  upstreams: Upstreams;
  hooks: ActHooks;
  /** For calls of Remit's own. */
  inject: Inject;
  /** Told when an answer turns out to be a stream: the agent reads of it before anybody knows all of it. */
  onStream: (exchange: HttpExchange) => void;
  clock: () => number;
  newId: (prefix: string) => string;
  log: GatewayLog;
  /** Told of each request that was refused before a decision. Must not throw. */
  refused: (refusal: { target: string; error: RemitError; source: string }) => void;
  maxBodyBytes: number;
};

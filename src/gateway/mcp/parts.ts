import type { Answered } from '../../approval/answered.ts';
import type { SecretSource, TargetConfig } from '../../config/config.ts';
import type { Sha256Hex } from '../../core/action.ts';
import type { RemitError } from '../../core/errors.ts';
import type { Effect } from '../../core/effect.ts';
import type { Sensitivity } from '../../core/sensitivity.ts';
import type { Credential } from '../../credential/credential.ts';
import type { Caller } from '../../identity/caller.ts';
import type { DefinitionStore, ProcessStore } from '../../store/ports.ts';
import type { Ledger } from '../../lease/ledger.ts';
import type { TellTarget } from '../../telemetry/tell-target.ts';
import type { LiveWork } from '../live.ts';
import type { ResourceTemplate } from '../resource-template.ts';
import type { McpStep } from './request.ts';

export type Authenticate = (
  request: { method: string; url: string; headers: Headers; certificate?: string | undefined },
  audience: string,
) => Promise<Caller>;

/** Whether a list may show an operation to this caller: some call of it could be permitted or held. */
export type Listable = (
  caller: Caller,
  target: string,
  operation: { name: string; effect: Effect; sensitivity: Sensitivity },
) => boolean;

/** A logger in pino's form. */
export type GatewayLog = Record<'info' | 'warn' | 'error', (fields: object, message: string) => void>;

/** What the MCP gateway is given. Functions whose time, ids or randomness matter are injected. */
export type McpGatewayDeps = {
  targets: ReadonlyMap<string, TargetConfig>;
  /** Without a trailing slash. */
  publicUrl: string;
  /** Browser origins that may call, beside loopback ones. */
  allowedOrigins?: string[];
  authenticate: Authenticate;
  steps: { gather: McpStep; decide: McpStep; record: McpStep; observe: McpStep };
  listable: Listable;
  definitions: DefinitionStore;
  processes: Pick<ProcessStore, 'processStarted' | 'processGone'>;
  live: LiveWork;
  leases: Pick<Ledger, 'reveal' | 'follow' | 'answered' | 'screen' | 'hide'>;
  /** The headers that tell a target over HTTP which record permits a call. */
  tellTarget: TellTarget;
  /** Waits for the answer to an approval, for less than a client waits for a call. */
  answered: Answered;
  /** The credential of an HTTP target beside its fixed headers; `null` when it has none. */
  credential: (target: string) => Credential | null;
  /** The value behind a source, read at each use. */
  readSecret: (source: SecretSource) => string;
  clock: () => number;
  newId: (prefix: string) => string;
  log: GatewayLog;
  /** Told of each request that did not prove who makes it. Must not throw. */
  refused: (refusal: { target: string; error: RemitError; source: string }) => void;
  maxBodyBytes: number;
};

/** What the gateway's own steps work with. */
export type McpParts = McpGatewayDeps & {
  sha256: Sha256Hex;
  /** Parsed once, by target and operation. */
  templates: ReadonlyMap<string, ReadonlyMap<string, ResourceTemplate[]>>;
};

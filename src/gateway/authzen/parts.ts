import type { RemitError } from '../../core/errors.ts';
import type { Authenticate, GatewayLog } from '../http/parts.ts';
import type { StepParts } from '../steps/parts.ts';
import type { AskedTarget } from './asked-target.ts';

/** What the AuthZEN gateway works with. */
export type AuthzenParts = {
  targets: ReadonlyMap<string, AskedTarget>;
  /** Without a trailing slash. */
  publicUrl: string;
  authenticate: Authenticate;
  steps: StepParts;
  log: GatewayLog;
  /** Told of each request that was refused before a decision. Must not throw. */
  refused: (refusal: { target: string | null; error: RemitError; source: string }) => void;
  maxBodyBytes: number;
};

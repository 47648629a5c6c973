import type { BoundFetch, SignPrompt } from './bound-tokens.ts';

/** What a command may touch. */
export type Io = {
  out: (line: string) => void;
  err: (line: string) => void;
  /** `--json`: one object a line. */
  json: boolean;
  env: Record<string, string | undefined>;
  /** Without a trailing slash. */
  remitUrl: string;
  dataDir: string;
  /** `--issuer`: of which provider the person is, where there are several. */
  issuer?: string | undefined;
  /** Asks the person at the terminal; `null` at the end of what they say. Absent where there is no terminal. */
  ask?: ((question: string) => Promise<string | null>) | undefined;
  /** A person's session: as `--as`, by `REMIT_ID_TOKEN`, or as who is signed in. */
  person: () => Promise<{ fetch: BoundFetch; signPrompt?: SignPrompt }>;
};

/** Runs and resolves with the exit code. */
export type Command = (args: string[], io: Io) => Promise<number>;

/** The command line is wrong: shown with the usage, exit code 2. */
export class UsageError extends Error {}

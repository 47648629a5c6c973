import { createHash, randomUUID } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { InvalidConfig, Unavailable } from '../../core/errors.ts';

const loginForm = z.strictObject({
  version: z.literal(1),
  /** The Remit that the sign-in is for, and the provider that it was at. */
  server: z.string(),
  issuer: z.string(),
  client_id: z.string(),
  subject: z.string(),
  id_token: z.string(),
  /** Seconds since the epoch: `exp` of the ID token. */
  expires_at: z.number(),
  refresh_token: z.string().optional(),
});

/** A sign-in that is kept between commands. */
export type Login = z.output<typeof loginForm>;

const STALE_LOCK_MS = 60_000;
const LOCK_WAIT_MS = 30_000;

/** The sign-ins of a user: a file each, which only the user can read, replaced as a whole. */
export class LoginStore {
  readonly #folder: string;

  constructor(env: Record<string, string | undefined>) {
    const base = env['XDG_DATA_HOME'] ?? env['LOCALAPPDATA'] ?? join(env['HOME'] ?? homedir(), '.local', 'share');
    this.#folder = join(base, 'remit', 'logins');
  }

  /** Those for a Remit. @throws InvalidConfig when a file is damaged, or others can read it. */
  of(server: string): Login[] {
    let names: string[];
    try {
      names = readdirSync(this.#folder);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw new InvalidConfig(`${this.#folder}: cannot be read; check its permissions`, { cause: error });
    }
    return names
      .filter((name) => name.endsWith('.json'))
      .map((name) => this.#read(join(this.#folder, name)))
      .filter((login) => login.server === server);
  }

  /** A crash leaves the old file or the new one. */
  save(login: Login): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const file = this.#file(login);
    const fresh = `${file}.${randomUUID()}`;
    try {
      const handle = openSync(fresh, 'wx', 0o600);
      try {
        writeSync(handle, JSON.stringify(login));
        fsyncSync(handle);
      } finally {
        closeSync(handle);
      }
      renameSync(fresh, file);
    } catch (cause) {
      rmSync(fresh, { force: true });
      throw new Unavailable(`the sign-in cannot be kept in ${this.#folder}; check space and permissions`, { cause });
    }
  }

  remove(login: Login): void {
    rmSync(this.#file(login), { force: true });
  }

  /** Of two commands that renew at once the second waits: a refresh token is spent by its first use. */
  async alone<Result>(login: Login, run: () => Promise<Result>): Promise<Result> {
    const lock = `${this.#file(login)}.lock`;
    const deadline = Date.now() + LOCK_WAIT_MS;
    while (!take(lock)) {
      if (Date.now() > deadline) throw new Unavailable(`another command holds ${lock}; remove it if none runs`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    try {
      return await run();
    } finally {
      rmSync(lock, { force: true });
    }
  }

  #read(file: string): Login {
    if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) {
      throw new InvalidConfig(`${file}: others can read this sign-in; sign out, and in again`);
    }
    try {
      return loginForm.parse(JSON.parse(readFileSync(file, 'utf8')));
    } catch {
      // The cause would quote what the file holds.
      throw new InvalidConfig(`${file}: is no sign-in; remove it and sign in again`);
    }
  }

  #file({ server, issuer }: Pick<Login, 'server' | 'issuer'>): string {
    return join(this.#folder, `${createHash('sha256').update(`${server}\n${issuer}`).digest('hex').slice(0, 32)}.json`);
  }
}

function take(lock: string): boolean {
  try {
    closeSync(openSync(lock, 'wx', 0o600));
    return true;
  } catch {
    const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > STALE_LOCK_MS) rmSync(lock, { force: true });
    return false;
  }
}

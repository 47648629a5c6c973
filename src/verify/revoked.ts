import { matchesPattern } from '../core/resource.ts';
import type { TokenClaims } from './read-claims.ts';

/** An entry of the feed, as it is on the wire. Kinds that are not known here change nothing. */
export type FeedEntry = { sequence: number; kind: string; subject: Readonly<Record<string, unknown>> };

export type FeedSnapshot = {
  position: number;
  tasks: readonly string[];
  tokens: readonly string[];
  agents: readonly string[];
  suspended?: readonly { kind: string; id: string }[];
};

/** What of a token something may be revoked that it rests on. */
export type RevocableClaims = Pick<TokenClaims, 'jti' | 'task' | 'sub' | 'actors' | 'all'>;

/** What is revoked, as far as tokens can rest on it. Times by a clock that nobody sets, ms. */
export class Revoked {
  /** Each until when a token that rests on it could still be shown. */
  readonly #tasks = new Map<string, number>();
  readonly #tokens = new Map<string, number>();
  readonly #keys = new Map<string, number>();
  /** SPIFFE IDs, and patterns of them, until they are resumed. */
  readonly #agents = new Set<string>();
  readonly #patterns = new Set<string>();
  /** Kind and id of what is suspended otherwise, until it is resumed. */
  readonly #suspended = new Set<string>();
  readonly #keepMs: number;

  /** @param keepMs no token is taken so long after it was issued. */
  constructor(keepMs: number) {
    this.#keepMs = keepMs;
  }

  /** Adds what the snapshot names, and takes agents as they are there. What was revoked before stays so. */
  begin({ tasks, tokens, agents, suspended = [] }: FeedSnapshot, now: number): void {
    this.#forget(now);
    for (const id of tasks) keep(this.#tasks, id, now + this.#keepMs);
    for (const id of tokens) keep(this.#tokens, id, now + this.#keepMs);
    this.#agents.clear();
    this.#patterns.clear();
    for (const id of agents) this.#stop(id);
    this.#suspended.clear();
    for (const { kind, id } of suspended) this.#suspended.add(`${kind} ${id}`);
  }

  apply({ kind, subject }: FeedEntry, now: number): void {
    this.#forget(now);
    const until = now + this.#keepMs;
    const { task, jti, key, agent } = subject;
    if (kind === 'task.ended' && typeof task === 'string') keep(this.#tasks, task, until);
    if (kind === 'token.revoked' && typeof jti === 'string') keep(this.#tokens, jti, until);
    if (kind === 'key.removed' && typeof key === 'string') keep(this.#keys, key, until);
    const access = `${String(subject['kind'])} ${String(subject['id'])}`;
    if (kind === 'access.suspended') this.#suspended.add(access);
    if (kind === 'access.resumed') this.#suspended.delete(access);
    if (typeof agent !== 'string') return;
    if (kind === 'agent.suspended' || kind === 'agent.retired') this.#stop(agent);
    if (kind === 'agent.resumed') {
      this.#agents.delete(agent);
      this.#patterns.delete(agent);
    }
  }

  /** `key`: the `kid` that the token names. */
  has(claims: RevocableClaims, key: string | undefined): boolean {
    return (
      this.#tokens.has(claims.jti) ||
      this.#tasks.has(claims.task) ||
      (key !== undefined && this.#keys.has(key)) ||
      claims.actors.some(({ sub }) => this.#agents.has(sub) || this.#isOfStopped(sub)) ||
      (this.#suspended.size > 0 && this.#isSuspended(claims))
    );
  }

  #isSuspended({ sub, actors, all }: RevocableClaims): boolean {
    const names = [
      'everything everything',
      `delegator ${sub}`,
      ...actors.flatMap((actor) => [`agent ${actor.sub}`, `trust_domain ${actor.iss.replace('spiffe://', '')}`]),
      // Of a target's own resource (RFC 8707): the URL that Remit serves it at.
      `target ${String(all['aud']).slice(`${String(all['iss'])}/mcp/`.length)}`,
    ];
    return names.some((name) => this.#suspended.has(name));
  }

  #stop(agent: string): void {
    (agent.includes('*') ? this.#patterns : this.#agents).add(agent);
  }

  #isOfStopped(agent: string): boolean {
    for (const pattern of this.#patterns) if (matchesPattern(pattern, agent)) return true;
    return false;
  }

  /** Each list is in the order of its times. */
  #forget(now: number): void {
    for (const list of [this.#tasks, this.#tokens, this.#keys]) {
      for (const [id, until] of list) {
        if (until > now) break;
        list.delete(id);
      }
    }
  }
}

function keep(list: Map<string, number>, id: string, until: number): void {
  list.delete(id);
  list.set(id, until);
}

import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import { isOf, ownerName, standingOf, type AgentState, type RegisteredAgent } from '../../core/agent.ts';
import type { Delegator } from '../../core/party.ts';
import type { SpiffeId } from '../../core/spiffe-id.ts';

type Row = Record<string, SQLOutputValue>;

const COLUMNS = 'last_used_at, body';

/** The table of registered agents, all of them in memory too. */
export class AgentTable {
  readonly #all: StatementSync;
  readonly #byId: StatementSync;
  readonly #byOwner: StatementSync;
  readonly #stoppedFleets: StatementSync;
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #use: StatementSync;
  readonly #memory = new Map<string, RegisteredAgent>();
  #changes = 0;

  constructor(db: DatabaseSync) {
    this.#all = db.prepare(`SELECT ${COLUMNS} FROM agents ORDER BY id`);
    this.#byId = db.prepare(`SELECT ${COLUMNS} FROM agents WHERE id = ?`);
    this.#byOwner = db.prepare(`SELECT ${COLUMNS} FROM agents WHERE owner = ? ORDER BY id`);
    this.#stoppedFleets = db.prepare(`SELECT ${COLUMNS} FROM agents WHERE fleet = 1 AND state <> 'active'`);
    this.#insert = db.prepare('INSERT INTO agents (id, fleet, state, owner, body) VALUES (?, ?, ?, ?, ?)');
    this.#update = db.prepare('UPDATE agents SET state = ?, owner = ?, body = ? WHERE id = ?');
    this.#use = db.prepare('UPDATE agents SET last_used_at = max(coalesce(last_used_at, 0), ?) WHERE id = ?');
    this.reload();
  }

  reload(): void {
    const rows = this.#all.all();
    this.#memory.clear();
    for (const row of rows) this.remember(agentOf(row));
    this.#changes += 1;
  }

  /** Grows with every change of what memory holds, but for last uses. */
  get changes(): number {
    return this.#changes;
  }

  remember(agent: RegisteredAgent): void {
    this.#memory.set(agent.id, agent);
    this.#changes += 1;
  }

  get(id: string): RegisteredAgent | undefined {
    return this.#memory.get(id);
  }

  list(): RegisteredAgent[] {
    return [...this.#memory.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** As the open transaction sees it, as all that follows. */
  stored(id: string): RegisteredAgent | undefined {
    const row = this.#byId.get(id);
    return row === undefined ? undefined : agentOf(row);
  }

  ownedBy(person: Pick<Delegator, 'issuer' | 'subject'>): RegisteredAgent[] {
    return this.#byOwner.all(ownerName(person)).map(agentOf);
  }

  /** Whether the agent, or a fleet that it is of, is suspended or retired. */
  isStopped(agent: SpiffeId): boolean {
    const own = this.stored(agent);
    const fleets = this.#stoppedFleets.all().map(agentOf);
    const { state } = standingOf([...(own === undefined ? [] : [own]), ...fleets.filter(({ id }) => isOf(id, agent))]);
    return state === 'suspended' || state === 'retired';
  }

  insert(agent: RegisteredAgent, fleet: boolean): void {
    const { id, state, owner } = agent;
    this.#insert.run(id, fleet ? 1 : 0, state, ownerName(owner), bodyOf(agent));
  }

  update(agent: RegisteredAgent): RegisteredAgent {
    const changed = { ...agent, revision: agent.revision + 1 };
    this.#update.run(changed.state, ownerName(changed.owner), bodyOf(changed), changed.id);
    return changed;
  }

  move(agent: RegisteredAgent, to: AgentState, reason: string): RegisteredAgent {
    return this.update({ ...agent, state: to, reason });
  }

  use(id: string, at: number): void {
    this.#use.run(at, id);
  }

  rememberUse(id: string, at: number): void {
    const agent = this.#memory.get(id);
    if (agent !== undefined) this.#memory.set(id, { ...agent, lastUsedAt: Math.max(agent.lastUsedAt ?? 0, at) });
  }
}

/** The last use has a column of its own. */
function bodyOf(agent: RegisteredAgent): string {
  return JSON.stringify({ ...agent, lastUsedAt: undefined });
}

function agentOf(row: Row): RegisteredAgent {
  const agent = JSON.parse(String(row['body'])) as RegisteredAgent;
  return row['last_used_at'] === null ? agent : { ...agent, lastUsedAt: Number(row['last_used_at']) };
}

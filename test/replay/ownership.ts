/** Kinds of things, and whose each is: `{ orders: { '#W1': { user_id: 'u' } }, payment_methods: { card_1: 'u' } }`. */
export type Owners = Record<string, Record<string, string | { user_id: string }>>;

/** Whose things are, as the system of record would say. */
export type Ownership = {
  /** What a look-up of the customer returns. */
  of: (user: string) => Record<string, string[]>;
  isOwned: (id: string) => boolean;
  /** In place of something of the customer's, or of the customer, another's of the same kind; everything else as it is. */
  othersThan: (user: string, id: string, choice: number) => string;
};

export function createOwnership(owners: Owners): Ownership {
  const things = new Map<string, { kind: string; user: string }>();
  const kinds = new Map<string, string[]>();
  const users = new Map<string, Record<string, string[]>>();
  for (const [kind, table] of Object.entries(owners)) {
    kinds.set(kind, Object.keys(table));
    for (const [id, owner] of Object.entries(table)) {
      const user = typeof owner === 'string' ? owner : owner.user_id;
      things.set(id, { kind, user });
      if (!users.has(user)) users.set(user, {});
      (users.get(user)![kind] ??= []).push(id);
    }
  }
  const names = [...users.keys()];
  return {
    of: (user) => users.get(user) ?? {},
    isOwned: (id) => things.has(id) || users.has(id),
    othersThan(user, id, choice) {
      if (id === user) return pick(names, choice, (other) => other !== user) ?? id;
      const thing = things.get(id);
      if (thing?.user !== user) return id;
      return pick(kinds.get(thing.kind)!, choice, (other) => things.get(other)!.user !== user) ?? id;
    },
  };
}

/** The first from `choice` on that will do: another for each task, and the same in each run. */
function pick(all: readonly string[], choice: number, will: (each: string) => boolean): string | undefined {
  for (let step = 0; step < all.length; step++) {
    const each = all[(choice + step) % all.length]!;
    if (will(each)) return each;
  }
  return undefined;
}

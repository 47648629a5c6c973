import { sealedName } from '../keys/sealed-name.ts';
import type { SealingKeys } from '../keys/sealing-keys.ts';
import type { AnySealed, LogStore, SealedStore, SealedText } from '../store/ports.ts';

export type Resealed = {
  /** How many values were sealed anew. */
  resealed: number;
  /** Those that do not open, by kind and name. While there are any, no key is forgotten. */
  unreadable: string[];
};

/** Seals whatever the database keeps sealed with the current key, and forgets the keys before: one at a time. */
export interface Resealing {
  /** With a new key. @throws Unavailable: what is done stays done, and goes on with the next call or start. */
  renew(): Promise<Resealed>;
  /** What a process that has died had begun, or an earlier version has left. Does nothing where there is nothing of that. */
  goOn(): Promise<Resealed>;
}

export type ResealParts = {
  store: Pick<SealedStore, 'sealedTexts' | 'reseal'>;
  keys: SealingKeys;
  log: Pick<LogStore, 'append'>;
};

const KINDS: Record<AnySealed, true> = {
  secret: true,
  refresh_token: true,
  consent: true,
  task_token: true,
  lease: true,
  prompt: true,
};
/** So many are sealed anew at once: others get their turn in between. */
const PAGE = 100;

export function createResealing(parts: ResealParts): Resealing {
  const { keys } = parts;
  let last: Promise<unknown> = Promise.resolve();
  /** Of two at once, the first would forget the key of the second before all is sealed with another. */
  function inTurn(run: () => Promise<Resealed>): Promise<Resealed> {
    const done = last.then(run);
    last = done.catch(() => {});
    return done;
  }
  return {
    renew: () =>
      inTurn(async () => {
        await keys.renew();
        return sealAnew(parts);
      }),
    goOn: () => inTurn(async () => (keys.holdsOthers() ? sealAnew(parts) : { resealed: 0, unreadable: [] })),
  };
}

/** After a crash at any point each value opens with a key that is kept, and the same call goes on where it was. */
async function sealAnew(parts: ResealParts): Promise<Resealed> {
  // Behind all that was put before: from here on nothing comes that is sealed with another key.
  await parts.log.append([]);
  const all: Resealed = { resealed: 0, unreadable: [] };
  for (const kind of Object.keys(KINDS) as AnySealed[]) {
    let after: string | null = null;
    do {
      const page = parts.store.sealedTexts({ kind, after, limit: PAGE });
      await sealPage(page, all, parts);
      after = page.length < PAGE ? null : page.at(-1)!.name;
    } while (after !== null);
  }
  if (all.unreadable.length === 0) await parts.keys.forgetOthers();
  return all;
}

async function sealPage(page: readonly SealedText[], all: Resealed, { store, keys }: ResealParts): Promise<void> {
  const sealing = page.map(async (text) => {
    const { kind, name, sealed: was } = text;
    if (keys.isCurrent(was)) return;
    let value: string;
    try {
      value = keys.open(sealedName(text), was);
    } catch {
      return void all.unreadable.push(`${kind}:${name}`);
    }
    // Of one that was changed or removed in between, nothing is left to seal.
    if ((await store.reseal({ ...text, sealed: keys.seal(sealedName(text), value), was })) === 'resealed')
      all.resealed += 1;
  });
  await Promise.all(sealing);
}

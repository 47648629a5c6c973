import { roleAt, type ArgumentRole } from '../catalogue/argument-roles.ts';
import type { ResultLabels } from '../config/labels.ts';
import type { Action, ArgumentOrigin, ArgumentSource } from '../core/action.ts';
import type { TaskView } from '../core/decision.ts';
import type { JsonValue } from '../core/json.ts';
import { hasEnded } from '../core/task.ts';
import { sensitivityLabel } from '../core/trail.ts';
import type { TrailStore } from '../store/ports.ts';
import { argumentOrigins } from './argument-origins.ts';
import { authorLabels, UNKNOWN_AUTHOR } from './authors.ts';
import { addressesIn } from './addresses.ts';
import { askedOf, flowAndOrigins } from './flow.ts';
import { createProvenance, type LeafOrigin, type Provenance } from './provenance.ts';
import { readingOf, type Reading } from './reading.ts';
import { WORST_FIRST } from './search.ts';
import { textOf } from './source-text.ts';

/** What is said of an operation: how its results are labelled, and what its arguments are for. */
export type OperationSources = {
  results: ResultLabels;
  roles: Readonly<Record<string, ArgumentRole>>;
  /** Whether its arguments stand by the place in an HTTP request where they are sent. */
  byPlace: boolean;
  /** Of what is sent with it, there is something that nobody looks into: a raw body, a stream, the frames of a WebSocket. */
  opaque: boolean;
  /** What the target file says, by path. */
  targets: readonly string[];
  content: readonly string[];
};

/** Where an action's arguments come from, and what its result will be, whatever that is. */
export type Looked = {
  action: Action;
  /** How the result is taken in, and the labels that the task has from before it. */
  reading: Reading;
  labels: string[];
  origins: readonly LeafOrigin[];
};

export type TaskSourcesParts = {
  store: Pick<TrailStore, 'prompt' | 'declassified'>;
  operation: (target: string, operation: string) => OperationSources;
  /** The text of a sealed prompt; `null` when it cannot be opened any more. */
  openPrompt: (task: string, sealed: string) => string | null;
  /** Bytes that are held for one tree of tasks, and for all of them. */
  cap: { task: number; all: number };
};

export interface TaskSources {
  /** Looks the arguments up in all that the tree of the task was given and has read. */
  look(action: Action, chain: readonly TaskView[]): Looked;
  /** Remembers what an action sends; before it does, since its result may be long in coming. */
  sends(looked: Looked, from: { chain: readonly TaskView[] }): void;
  /**
   * Remembers what the agent has read of the result of an action; `undefined` when that was not seen here.
   * Returns the labels of what it says, beside those from before.
   *
   * @param id of the decision's record.
   */
  read(looked: Looked, from: { id: string; chain: readonly TaskView[]; value: JsonValue | undefined }): string[];
  /** A person answers for a value. */
  declassified(chain: readonly TaskView[], value: string, id: string): void;
  /** The tree has ended. */
  forget(root: string): void;
}

/** What a task was given and has read, while this process runs: of texts, nothing is kept on disk. */
export function createTaskSources(parts: TaskSourcesParts): TaskSources {
  const known = new Map<string, Provenance>();
  let held = 0;

  function of(chain: readonly TaskView[]): Provenance {
    const root = chain.at(-1)!.task;
    const there = known.get(root.id);
    if (there !== undefined) return there;
    const done = Object.values(chain[0]!.done ?? {});
    const provenance = createProvenance({
      cap: parts.cap.task,
      promptLast: root.origin.trust === 'outside',
      // What was read and sent in another process is not here: what is found nowhere may be from there.
      complete: done.length === 0,
    });
    if (done.some(({ effect }) => effect !== 'read')) provenance.sentUnread();
    const sealed = parts.store.prompt(root.id);
    const prompt = sealed === undefined ? null : parts.openPrompt(root.id, sealed);
    provenance.add({ id: 'purpose', origin: 'prompt' }, root.purpose);
    if (prompt !== null) provenance.add({ id: 'prompt', origin: 'prompt' }, prompt);
    provenance.add({ id: 'parameters', origin: 'parameters' }, root.parameters);
    for (const { value, record } of parts.store.declassified(root.id)) provenance.answerFor(value, record);
    // What is tried under a tree that has ended is looked up all the same, and nothing of it is kept: nobody would forget it.
    if (hasEnded(root.state)) return provenance;
    held += provenance.size.held;
    known.set(root.id, provenance);
    return provenance;
  }

  return {
    look: (action, chain) => {
      const operation = parts.operation(action.target, action.operation);
      const provenance = of(chain);
      const roleOf = roleIn(operation);
      const { flow, origins } = flowAndOrigins(provenance, action.arguments, roleOf);
      const exposed = chain[0]?.labels?.includes(OUTSIDERS) === true;
      const promptLast = chain.at(-1)!.task.origin.trust === 'outside';
      const reading = readingOf(askedOf(flow), { outsiders: operation.results.outsiders, exposed, promptLast });
      return {
        action: {
          ...action,
          provenance: argumentOrigins(action.arguments, origins),
          flow,
          ...sourcesOf(origins),
        },
        reading,
        labels: [
          ...(isTrusted(reading) ? [] : [OUTSIDERS]),
          `origin:${action.target}:${action.operation}`,
          sensitivityLabel(action.sensitivity),
          ...operation.results.add,
        ],
        origins,
      };
    },

    sends: ({ action, origins }, { chain }) => {
      const provenance = known.get(chain.at(-1)!.task.id);
      if (provenance === undefined) return;
      const before = provenance.size.held;
      provenance.sent(action.arguments, origins);
      if (action.effect !== 'read' && parts.operation(action.target, action.operation).opaque) provenance.sentUnread();
      held += provenance.size.held - before;
    },

    read: ({ action, reading }, { id, chain, value }) => {
      const provenance = known.get(chain.at(-1)!.task.id);
      // The tree has ended since the action was looked up, and was forgotten.
      if (provenance === undefined) return [];
      const before = provenance.size.held;
      if (value === undefined) {
        if (!isTrusted(reading)) provenance.missed();
        return parts.operation(action.target, action.operation).results.author === undefined ? [] : [UNKNOWN_AUTHOR];
      }
      if (held > parts.cap.all) provenance.missed();
      else provenance.add({ id, origin: reading === 'resolved' && isList(value) ? 'trusted' : reading }, value);
      held += provenance.size.held - before;
      const { patterns, author } = parts.operation(action.target, action.operation).results;
      const authors = author === undefined || value === null ? [] : authorLabels(value, author, chain[0]?.labels ?? []);
      if (patterns.length === 0) return authors;
      const text = textOf(value);
      return [
        ...authors,
        ...patterns.filter(({ pattern }) => pattern.test(text)).map(({ is }) => sensitivityLabel(is)),
      ];
    },

    declassified: (chain, value, id) => of(chain).answerFor(value, id),
    forget: (root) => {
      held -= known.get(root)?.size.held ?? 0;
      known.delete(root);
    },
  };
}

function isTrusted(reading: Reading): boolean {
  return reading === 'trusted' || reading === 'resolved';
}

/** One person's addresses, or those of a few: of a whole directory, the delegator has not said which. */
const MAX_RESOLVED = 5;

function isList(value: JsonValue): boolean {
  return addressesIn(textOf(value)).length > MAX_RESOLVED;
}

/** Whoever is no part of the organisation can have written what the task has read. */
export const OUTSIDERS = 'origin:outsiders';

function roleIn({ roles, byPlace, targets, content }: OperationSources) {
  return (path: readonly string[], value: string | number): ArgumentRole => {
    const stated = (paths: readonly string[]) =>
      path.some((_name, place) => paths.includes(path.slice(0, place + 1).join('.')));
    if (stated(targets)) return 'target';
    if (stated(content)) return 'content';
    if (!byPlace) return roleAt(roles, path, value);
    const [place, ...names] = path;
    if (place === 'path') return 'target';
    return names.length === 0 ? 'content' : roleAt({}, names, value);
  };
}

const MAX_SOURCES = 40;

/** What a reader of the record is told, of the values of which there is something to tell: the worst first. */
function sourcesOf(origins: readonly LeafOrigin[]): { sources?: ArgumentSource[] } {
  const told = origins.filter(({ seen, because }) => seen.length > 0 || because !== undefined);
  if (told.length === 0) return {};
  const worst = (origin: ArgumentOrigin) => WORST_FIRST.indexOf(origin);
  const sources = told
    .toSorted((a, b) => worst(a.origin) - worst(b.origin))
    .slice(0, MAX_SOURCES)
    .map(({ path, origin, seen, because }) => ({
      path: path.slice(0, 200),
      origin,
      seen: seen.slice(0, 4).map((source) => ({ id: source.id.slice(0, 100), origin: source.origin })),
      ...(because === undefined ? {} : { because }),
    }));
  return { sources };
}

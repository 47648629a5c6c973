import type { Effect } from '../core/effect.ts';
import type { Described } from './classify.ts';
import { effectOf } from './effect-of-phrase.ts';
import { phraseOfName, phraseOfPath, type Phrase } from './name-phrase.ts';
import { chosenVerbs, CODE, codeParameter, secretFields } from './schema-signs.ts';
import { scopeEffect } from './scopes.ts';
import { addedByText, LIGHT, phraseOfText } from './text-phrase.ts';
import { formsOf, wordsOf } from './words.ts';

/** One sign of what an operation does. */
export type Sign = {
  from: 'method' | 'name' | 'path' | 'text' | 'arguments' | 'answer' | 'scopes' | 'hints';
  effect: Effect;
  /** Whether it means that and nothing else. */
  clear: boolean;
  /** A reading that does something to read. */
  doing?: boolean;
  why: string;
};

export type Evidence = {
  signs: Sign[];
  /** Members of the answer that are named like a secret. */
  secrets: string[][];
};

/** Every sign that an operation's own document gives, each from one place. */
export function evidenceOf(described: Described): Evidence {
  const secrets = described.outputSchema === undefined ? [] : secretFields(described.outputSchema, described.schemaAt);
  const answers = secrets.length > 0;
  const name = phraseOfName(described.name, described.method);
  const path = described.path === undefined ? NO_PHRASE : phraseOfPath(described.path);
  const text = textOf(described);
  const single = endsInItem(described.path);
  const posted = ['POST', 'PUT'].includes(described.method?.toUpperCase() ?? '');
  const phrases: [Sign['from'], Phrase][] = [
    ['name', isPathAgain(described) ? NO_PHRASE : name],
    ['path', path],
    ['text', inWordsOf(name, text)],
  ];
  const signs = [
    ofMethod(described.method),
    ...phrases.flatMap(([from, phrase]) =>
      effectOf(phrase, { answers, single, posted }).map((sign) => ({ from, ...sign })),
    ),
    ...ofArguments(described),
    ofScopes(described.scopes),
    ofHints(described.hints),
  ];
  return { signs: signs.filter((sign) => sign !== undefined), secrets };
}

/** What the summary says, and what the description adds; else what the description says. */
function textOf({ summary, description = '' }: Described): Phrase {
  const said = summary === undefined ? NO_PHRASE : phraseOfText(summary);
  if (said.verbs.length === 0) return phraseOfText(description);
  return { ...said, verbs: [...said.verbs, ...addedByText(description)] };
}

const NO_PHRASE: Phrase = { verbs: [], object: [] };

/** `find`: `run a find query`. A verb that says nothing by itself means what the name does, unless what is run is code. */
function inWordsOf(name: Phrase, text: Phrase): Phrase {
  const [said] = name.verbs;
  const [head, ...rest] = text.verbs;
  if (said === undefined || head === undefined || !LIGHT.has(head.lemma)) return text;
  const forms = text.object.flatMap((word) => formsOf(word).map(({ lemma }) => lemma));
  const isCode = text.object.some((word) => CODE.has(word));
  return forms.includes(said.lemma) && !isCode ? { ...text, verbs: [{ ...said, clear: false }, ...rest] } : text;
}

/** `/tokens/{token}`: what it gives is there already. */
function endsInItem(path: string | undefined): boolean {
  return path !== undefined && /\{[^}]*\}\/?$/.test(path);
}

/** A name that a generator made of method and path (`getV3ProjectsIdIssues`) says no more than they do. */
function isPathAgain({ name, method, path }: Described): boolean {
  if (method === undefined || path === undefined) return false;
  const words = wordsOf(name);
  if (words[0] !== method.toLowerCase() || words.length < 2) return false;
  const ofPath = new Set(wordsOf(path).flatMap((word) => [word, `${word}s`]));
  return words.slice(1).every((word) => ofPath.has(word) || ['by', 'with'].includes(word));
}

function ofMethod(method: string | undefined): Sign | undefined {
  if (method === undefined) return undefined;
  const spelled = method.toUpperCase();
  const [effect, clear] = METHODS.get(spelled) ?? ['execute', false];
  return { from: 'method', effect, clear, why: `${spelled} ${clear ? 'means' : 'most often means'} ${effect}` };
}

/** RFC 9110, section 9.2.1 calls GET safe; interfaces do not keep to it. POST is anything. */
const METHODS: ReadonlyMap<string, [Effect, boolean]> = new Map(
  Object.entries({
    GET: ['read', false],
    HEAD: ['read', true],
    OPTIONS: ['read', true],
    TRACE: ['read', false],
    // Of GraphQL; the method QUERY of HTTP is safe as well.
    QUERY: ['read', true],
    SUBSCRIPTION: ['read', true],
    POST: ['write', false],
    PUT: ['write', true],
    PATCH: ['write', true],
    MUTATION: ['write', true],
    DELETE: ['delete', true],
  }),
);

function ofArguments({ inputSchema: schema, schemaAt, summary = '', description = '' }: Described): Sign[] {
  if (schema === undefined) return [];
  const signs: Sign[] = [];
  const worst = chosenVerbs(schema, schemaAt).find(({ effect }) => effect !== 'read');
  if (worst !== undefined) {
    signs.push({
      from: 'arguments',
      effect: worst.effect,
      clear: true,
      why: `an argument chooses to \`${worst.lemma}\``,
    });
  }
  const code = codeParameter(schema, schemaAt);
  if (code !== undefined) {
    signs.push({
      from: 'arguments',
      effect: 'execute',
      clear: !/\bread[ -]?only\b/i.test(`${summary} ${description}`),
      why: `its argument \`${code}\` is run`,
    });
  }
  return signs;
}

function ofScopes(scopes: Described['scopes']): Sign | undefined {
  const effect = scopes === undefined ? undefined : scopeEffect(scopes);
  return effect === undefined
    ? undefined
    : { from: 'scopes', effect, clear: true, why: `its scopes are for ${effect}` };
}

function ofHints(hints: Described['hints']): Sign | undefined {
  if (hints?.readOnlyHint === false || hints?.destructiveHint === true) {
    return { from: 'hints', effect: 'write', clear: true, why: 'the server says that it changes something' };
  }
  return undefined;
}

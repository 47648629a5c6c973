import type { JsonObject } from '../core/json.ts';
import { headOf, singular } from './nouns.ts';
import type { ImportedOperation } from './imported.ts';
import { proposeRevocation } from './propose-revocation.ts';
import { answerFields, secretFields } from './schema-signs.ts';
import { wordsOf } from './words.ts';

/** The `mints` of a target file, or what stands in its way. */
export type MintsProposal = { form: JsonObject } | { missing: string };

/** Names of members that name what was made, the surest first. */
const IDENTIFIERS = [/^id$/i, /^(?:\w+[_-]|[su])id$/i, /[a-z]Id$/, /^uuid$/i, /^arn$/i, /^name$/i];
const EXPIRIES: Readonly<Record<'seconds' | 'time', RegExp>> = {
  seconds: /^expires?_?in(?:_seconds)?$|^ttl$|^lease_duration$/i,
  time: /^expires?(?:_?at|_?on)?$|^expiration(?:_?(?:date|time))?$/i,
};

/**
 * What an operation that mints is proposed to declare: where in its answer the secret and its identifier are, how long it
 * lives, and what takes it back.
 *
 * @param accepted the operations of the target by name that will be there to be called.
 */
export function proposeMints(
  operation: ImportedOperation,
  accepted: ReadonlyMap<string, ImportedOperation>,
): MintsProposal {
  const { outputSchema, schemaAt, name } = operation.described;
  if (outputSchema === undefined) return { missing: 'its answer has no schema: say where the secret and its id are' };
  const secret = innermost(secretFields(outputSchema, schemaAt));
  const fields = [...answerFields(outputSchema, schemaAt)];
  const kind = kindOf(name, secret);
  if (kind !== 'ticket' && (secret === undefined || secret.includes('*'))) {
    return { missing: 'no one member of its answer is named like a secret: say where it is, and its id' };
  }
  const value = kind === 'ticket' ? [] : secret!;
  const id = identifierOf(fields, value);
  if (id === undefined) return { missing: 'no member of its answer names what was made: say where its id is' };
  const expiry = fields.find((path) => EXPIRIES.time.test(path.at(-1)!) || EXPIRIES.seconds.test(path.at(-1)!));
  return {
    form: {
      kind,
      ...(kind === 'ticket' ? {} : { value: pointerTo(value) }),
      id: pointerTo(id),
      ...(expiry === undefined || expiry.includes('*') ? {} : { lifetime: pointerTo(expiry) }),
      revoke: proposeRevocation(operation, accepted),
    },
  };
}

/** The first of what holds no other: of `Credentials` and what is in it, what is in it. */
function innermost(secrets: readonly string[][]): string[] | undefined {
  const isWithin = (inner: readonly string[], outer: readonly string[]) =>
    inner.length > outer.length && outer.every((step, at) => step === inner[at]);
  return secrets.find((outer) => !secrets.some((inner) => isWithin(inner, outer)));
}

function kindOf(name: string, secret: readonly string[] | undefined): 'secret' | 'session' | 'ticket' {
  const words = wordsOf(name).map(singular);
  if (words.includes('ticket') && secret === undefined) return 'ticket';
  const { head } = headOf(words);
  return head === 'session' || words.includes('login') ? 'session' : 'secret';
}

/** Beside the secret, else further out; of several the surest. */
function identifierOf(fields: readonly string[][], secret: readonly string[]): string[] | undefined {
  for (let depth = Math.max(secret.length - 1, 0); depth >= 0; depth--) {
    const beside = fields.filter(
      (path) => path.length === depth + 1 && path.slice(0, -1).every((step, at) => step === secret[at]),
    );
    for (const pattern of IDENTIFIERS) {
      const found = beside.find((path) => pattern.test(path.at(-1)!) && path.join() !== secret.join());
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

const escaped = (token: string) => token.replaceAll('~', '~0').replaceAll('/', '~1');
const pointerTo = (path: readonly string[]) => path.map((token) => `/${escaped(token)}`).join('');

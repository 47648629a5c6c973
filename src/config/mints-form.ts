import { z } from 'zod';
import { claimNameProblem } from '../core/claim.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import type { MintConfig, RevokeConfig } from './mint.ts';

const pointer = z
  .string()
  .startsWith('/', 'expected a JSON Pointer (RFC 6901), such as `/key/id`')
  .refine((text) => claimNameProblem(text) === null, 'expected a JSON Pointer (RFC 6901), such as `/key/id`');

const template = z.record(z.string(), z.json()).default({});

const revokeForm = z.union([
  z.strictObject({
    operation: z.string().min(1),
    arguments: template,
    gone: z.array(z.string().min(3)).max(20).default([]),
  }),
  z.strictObject({ manual: z.string().min(1).max(500) }),
  z.strictObject({ keep: z.string().min(1).max(500) }),
]);

/** `mints` of an operation in a target file. */
export const mintsForm = z.strictObject({
  kind: z.enum(['secret', 'session', 'ticket']),
  value: pointer.optional(),
  id: pointer,
  lifetime: z.union([z.number().positive(), pointer]).optional(),
  revoke: revokeForm,
  usable_at: z.array(z.string().min(1)).min(1).max(20).optional(),
  failure: z.enum(['doubtful', 'nothing']).default('doubtful'),
  find: z
    .strictObject({
      operation: z.string().min(1),
      arguments: template,
      items: pointer,
      id: pointer,
      where: z.record(pointer, z.string().min(1)).refine((where) => Object.keys(where).length > 0, {
        error: 'expected at least one member that tells this call’s items from others',
      }),
    })
    .optional(),
});

export function mintOf(form: z.output<typeof mintsForm>, target: string): MintConfig {
  const { kind, value, id, lifetime, failure, find } = form;
  return {
    kind,
    value: value ?? null,
    id,
    lifetime: lifetime === undefined ? null : typeof lifetime === 'number' ? lifetime * 1000 : { pointer: lifetime },
    revoke: revokeOf(form.revoke),
    usableAt: form.usable_at ?? [target],
    failure,
    find: find === undefined ? null : { ...find, arguments: find.arguments as JsonObject },
  };
}

function revokeOf(form: z.output<typeof revokeForm>): RevokeConfig {
  if ('manual' in form) return { by: 'hand', step: form.manual };
  if ('keep' in form) return { by: 'keeping', why: form.keep };
  return { by: 'call', operation: form.operation, arguments: form.arguments as JsonObject, gone: form.gone };
}

type Operation = { effect: string; mints?: z.output<typeof mintsForm> | undefined };

/** What is wrong with the `mints` of a target's operations, as path and problem; nothing of it is guessed or left out. */
export function mintProblems(operations: Readonly<Record<string, Operation>>): { path: string[]; problem: string }[] {
  return Object.entries(operations).flatMap(([name, { effect, mints }]) => {
    if (mints === undefined) return [];
    const at = (path: string[], problem: string | null) =>
      problem === null ? [] : [{ path: ['operations', name, 'mints', ...path], problem }];
    const missing = (operation: string | undefined) =>
      operation === undefined || Object.hasOwn(operations, operation)
        ? null
        : `\`${operation}\` is not an operation of this target`;
    return [
      ...at([], effect === 'mint' ? null : 'expected the effect `mint` of an operation that mints'),
      ...at(
        ['value'],
        (mints.kind === 'ticket') === (mints.value === undefined)
          ? null
          : mints.kind === 'ticket'
            ? 'a ticket is no secret and has no value; say `secret` or `session`'
            : 'expected where the secret is in the answer',
      ),
      ...at(
        ['revoke', 'keep'],
        'keep' in mints.revoke && mints.kind !== 'ticket' ? 'what is secret is not kept beyond its task' : null,
      ),
      ...at(['revoke', 'operation'], missing('operation' in mints.revoke ? mints.revoke.operation : undefined)),
      ...at(['find', 'operation'], missing(mints.find?.operation)),
      ...[
        ['revoke', 'operation' in mints.revoke ? mints.revoke.arguments : mints.revoke] as const,
        ['find', mints.find?.arguments ?? null] as const,
      ].flatMap(([path, value]) => at([path], templateProblem(value as JsonValue))),
    ];
  });
}

/** A placeholder that is none is a misspelt one: it would be sent as it stands. */
function templateProblem(value: JsonValue): string | null {
  const wrong = JSON.stringify(value)
    .matchAll(/\{([^{}"]+)\}/g)
    .map(([, name]) => name!)
    .find((name) => name !== 'id' && !name.startsWith('/'));
  return wrong === undefined ? null : `\`{${wrong}}\` is neither \`{id}\` nor \`{/pointer}\` into the arguments`;
}

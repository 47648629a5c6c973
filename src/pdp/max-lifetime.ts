import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';

/** Bounds of what a configuration may say, too: a shorter life leaves no time to use a token, a longer one is never had. */
const LEAST = 10;
const MOST = 300;
const ISSUE = 'remit:token.issue';

/** `@max_lifetime("60s")` or `("5m")` in seconds; `undefined` for no such annotation, and for one of another form. */
export function readLifetime(text: string | undefined): number | undefined {
  const [, number, unit] = /^([1-9]\d{0,2})(s|m)$/.exec(text ?? '') ?? [];
  return number === undefined ? undefined : Number(number) * (unit === 'm' ? 60 : 1);
}

/**
 * Why a policy may not have the annotation `max_lifetime` that it has, or `null`. It binds whoever issues a token, and
 * nobody else: on a policy that reaches more than that it would promise what nobody keeps.
 */
export function lifetimeProblem(
  annotations: Readonly<Record<string, string | undefined>>,
  { effect, action }: Pick<PolicyJson, 'effect' | 'action'>,
): string | null {
  const text = annotations['max_lifetime'];
  if (text === undefined) return null;
  if (effect === 'forbid') return 'has @max_lifetime on a forbid; put it on the permit whose tokens it shortens';
  if (action.op !== '==' || !('entity' in action) || named(action.entity) !== ISSUE) {
    return `has @max_lifetime, which is for tokens: its head has to say \`action == Action::"${ISSUE}"\``;
  }
  const seconds = readLifetime(text);
  if (seconds === undefined || seconds < LEAST || seconds > MOST) {
    return `has a @max_lifetime that is not from "${LEAST}s" to "${MOST / 60}m"; tokens live ${MOST / 60} minutes at most`;
  }
  return null;
}

function named(entity: object): string | undefined {
  const { type, id } = ('__entity' in entity ? entity.__entity : entity) as { type?: string; id?: string };
  return type === 'Action' ? id : undefined;
}

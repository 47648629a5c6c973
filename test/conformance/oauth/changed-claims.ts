import { SUMMARISER } from '../../fixtures/control-plane.ts';

/** `null` takes a claim away; `$-60` and `$+60` are seconds from now; `$8k`, `$large` and `$deep` are made to size. */
export function merged(
  good: Record<string, unknown>,
  changed: Record<string, unknown> | undefined,
  now: number,
): Record<string, unknown> {
  const claims: Record<string, unknown> = { ...good };
  for (const [name, value] of Object.entries(changed ?? {})) {
    if (value === null) delete claims[name];
    else claims[name] = valueOf(value, now);
  }
  return claims;
}

function valueOf(value: unknown, now: number): unknown {
  if (typeof value !== 'string' || !value.startsWith('$')) return value;
  if (value === '$8k') return 'x'.repeat(8 * 1024);
  if (value === '$large') return 'x'.repeat(20_000);
  if (value === '$deep') {
    let act: object = { sub: SUMMARISER };
    for (let n = 0; n < 200; n++) act = { sub: SUMMARISER, act };
    return act;
  }
  return Math.floor(now / 1000) + Number(value.slice(1));
}

/**
 * Parses JSON and freezes it throughout. Views hand the same object to every reader; a reader that changed one would
 * change what the next decision sees.
 */
export function frozenJson(text: string): unknown {
  return freeze(JSON.parse(text));
}

function freeze(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  for (const member of Object.values(value)) freeze(member);
  return Object.freeze(value);
}

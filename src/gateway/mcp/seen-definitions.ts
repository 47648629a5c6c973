/** What one upstream connection has said its tools are, by operation name. */
export type SeenDefinitions = {
  /** Set once all pages have been listed; reset by `notifications/tools/list_changed`. */
  listing: Promise<void> | null;
  readonly byOperation: Map<string, SeenDefinition>;
};

export type SeenDefinition = { digest: string; headers: HeaderDeclaration[] };

/** A parameter that a client must repeat as `Mcp-Param-<name>` (2026-07-28, `x-mcp-header`). */
export type HeaderDeclaration = { path: string[]; name: string };

export function createSeenDefinitions(): SeenDefinitions {
  return { listing: null, byOperation: new Map() };
}

/** Forgets what was listed, so that it is listed anew before the next call. */
export function forgetDefinitions(seen: SeenDefinitions): void {
  seen.listing = null;
  seen.byOperation.clear();
}

const FORWARDED = new Set(['accept', 'mcp-protocol-version', 'mcp-method', 'mcp-name']);

/**
 * The headers of a client's request that are MCP's. Nothing else goes upstream: no credential, no cookie; and those that
 * repeat arguments are written anew, from the arguments that were decided on.
 */
export function forwardedHeaders(headers: Headers): Record<string, string> {
  const forwarded: Record<string, string> = {};
  for (const [name, value] of headers) {
    if (FORWARDED.has(name)) forwarded[name] = value;
  }
  return forwarded;
}

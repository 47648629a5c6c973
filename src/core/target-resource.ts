/** The protocols that targets speak to their agents through Remit. */
export type Protocol = 'mcp' | 'http';

/** The resource (RFC 8707) and audience of a target: the URL below which its gateway answers. */
export function targetResource(publicUrl: string, { protocol, name }: { protocol: Protocol; name: string }): string {
  return `${publicUrl}/${protocol}/${name}`;
}

/** The target that a resource is of, by its path: `/mcp/files`. `null` for a path that is none. */
export function readTargetPath(path: string): { protocol: Protocol; name: string } | null {
  const [, protocol, name] = /^\/(mcp|http)\/([^/]+)$/.exec(path) ?? [];
  return name === undefined ? null : { protocol: protocol === 'http' ? 'http' : 'mcp', name };
}

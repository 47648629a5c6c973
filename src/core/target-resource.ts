/**
 * The protocols that targets are reached by. Behind `mcp` and `http` Remit passes on what is permitted; what `authzen` decides,
 * whoever asked carries out.
 */
export const PROTOCOLS = ['mcp', 'http', 'authzen'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** The resource (RFC 8707) and audience of a target: the URL below which its gateway answers. */
export function targetResource(publicUrl: string, { protocol, name }: { protocol: Protocol; name: string }): string {
  return `${publicUrl}/${protocol}/${name}`;
}

/** The target that a resource is of, by its path: `/mcp/files`. `null` for a path that is none. */
export function readTargetPath(path: string): { protocol: Protocol; name: string } | null {
  const [, spelled, name] = /^\/([a-z]+)\/([^/]+)$/.exec(path) ?? [];
  const protocol = PROTOCOLS.find((each) => each === spelled);
  return name === undefined || protocol === undefined ? null : { protocol, name };
}

import { InvalidRequest } from '../../core/errors.ts';

/** A part of the web that is reached through Remit: all below a URL, as a target there. */
export type Interception = {
  /** Of the target at Remit: `/http/billing`, `/authzen/records`. */
  path: string;
  /** `https://billing.example.com`, in normal form. */
  origin: string;
  /** `/api`, or empty. */
  basePath: string;
};

/**
 * Reads `TARGET=URL`; a target that decides alone, and is sent nothing, is written `authzen/TARGET`.
 *
 * @throws InvalidRequest
 */
export function readInterception(text: string): Interception {
  const [, protocol = 'http/', target, address = ''] =
    /^(authzen\/)?([a-z][a-z0-9-]{0,62})=(https?:\/\/.+)$/.exec(text) ?? [];
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const plain = url !== undefined && url.origin + url.pathname.replace(/\/$/, '') === address.replace(/\/$/, '');
  if (target === undefined || url === undefined || !plain) {
    throw new InvalidRequest(
      `\`${text}\`: expected a target and the URL that it stands for, \`billing=https://billing.example.com/api\``,
    );
  }
  return { path: `/${protocol}${target}`, origin: url.origin, basePath: url.pathname.replace(/\/$/, '') };
}

/** The origin of what follows `CONNECT`: `billing.example.com:443`. `null` for what is none. */
export function originOfAuthority(authority: string): string | null {
  const match = /^([a-z0-9.-]+|\[[0-9a-f:]+\]):(\d{1,5})$/i.exec(authority);
  return match === null || !URL.canParse(`https://${authority}`) ? null : new URL(`https://${authority}`).origin;
}

/** Where a request to `origin` goes at Remit: its path, byte for byte below that of the target. `null`: nowhere. */
export function throughTarget(interceptions: readonly Interception[], origin: string, path: string): string | null {
  const at = (basePath: string) =>
    path === basePath || path.startsWith(`${basePath}/`) || path.startsWith(`${basePath}?`);
  const [longest] = interceptions
    .filter((each) => each.origin === origin && at(each.basePath))
    .sort((a, b) => b.basePath.length - a.basePath.length);
  return longest === undefined ? null : `${longest.path}${path.slice(longest.basePath.length)}`;
}

/** An address at Remit as the client knows it, for the redirects of an answer. Anything else stays as it is. */
export function asKnownToClient(interceptions: readonly Interception[], remitUrl: string, location: string): string {
  for (const { path, origin, basePath } of interceptions) {
    const prefix = `${remitUrl}${path}`;
    if (location === prefix || location.startsWith(`${prefix}/`))
      return `${origin}${basePath}${location.slice(prefix.length)}`;
  }
  return location;
}

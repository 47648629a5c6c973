import { localhostAllowedHostnames } from '@modelcontextprotocol/server';
import { jsonAnswer, type McpAnswer } from './answer.ts';
import { RPC, rpcError } from './message.ts';

export type OriginParts = { publicUrl: string; allowedOrigins?: readonly string[] };

/**
 * A browser that was led to another name for this address (DNS rebinding) shows it in Host and Origin. Both must be
 * loopback, the public URL's, or configured; without an Origin the caller is no browser.
 */
export function checkOrigin(request: Request, { publicUrl, allowedOrigins = [] }: OriginParts): McpAnswer | null {
  const loopback = new Set(localhostAllowedHostnames());
  const known = [publicUrl, ...allowedOrigins].map((origin) => new URL(origin));
  const host = hostOf(`http://${request.headers.get('host') ?? new URL(request.url).host}`);
  if (host === null || !(loopback.has(host) || known.some(({ hostname }) => hostname === host))) {
    return jsonAnswer(403, rpcError(null, RPC.session, 'the `Host` header names another server'));
  }
  const origin = request.headers.get('origin');
  if (origin === null || known.some((allowed) => allowed.origin === origin)) return null;
  const from = hostOf(origin);
  if (from !== null && loopback.has(from)) return null;
  return jsonAnswer(403, rpcError(null, RPC.session, 'the `Origin` is not allowed; add it to the allowed origins'));
}

function hostOf(url: string): string | null {
  return URL.canParse(url) ? new URL(url).hostname : null;
}

import { InvalidRequest } from '../../core/errors.ts';
import type { RequestHeaders } from './request-headers.ts';

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * `Host` has to name Remit: by the name of its public URL, or a loopback one. A browser that was led to another name for
 * this address (DNS rebinding) shows it there.
 *
 * @throws InvalidRequest
 */
export function checkHost(headers: RequestHeaders, publicUrl: string): void {
  const given = headers.get('host') ?? [];
  const host = /^([a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?$/i.exec(given[0] ?? '')?.[1]?.toLowerCase();
  if (given.length === 1 && host !== undefined && (LOOPBACK.has(host) || host === new URL(publicUrl).hostname)) return;
  throw new InvalidRequest('the `Host` header names another server');
}

import { UpstreamTimeout } from '../../core/errors.ts';

/**
 * Waits for one thing from the upstream: until it comes, until the signal aborts (its reason is thrown), or until
 * `timeoutMs` have passed; `null` waits for ever.
 */
export function nextWithin<T>(start: () => Promise<T>, signal: AbortSignal, timeoutMs: number | null): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => settle(() => reject(toError(signal.reason)));
    const onTimeout = (): void =>
      settle(() => reject(new UpstreamTimeout(`the target did not answer within ${timeoutMs} ms`)));
    const timer = timeoutMs === null ? undefined : setTimeout(onTimeout, timeoutMs);
    function settle(how: () => void): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      how();
    }
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    start().then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(toError(error))),
    );
  });
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('stopped', { cause: reason });
}

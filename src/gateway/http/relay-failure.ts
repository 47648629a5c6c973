import { errors } from 'undici';
import { RemitError, UpstreamFailed, UpstreamTimeout } from '../../core/errors.ts';
import { PrivateAddress } from './addresses.ts';

/** What went wrong on the way to a target, in words for the agent. The rest is in `cause`. */
export function asUpstream(cause: Error): RemitError {
  if (cause instanceof RemitError) return cause;
  if (cause instanceof errors.HeadersTimeoutError || cause instanceof errors.BodyTimeoutError) {
    return new UpstreamTimeout('the target does not answer', { cause });
  }
  if (cause instanceof errors.ConnectTimeoutError)
    return new UpstreamTimeout('the target cannot be reached', { cause });
  if (cause instanceof PrivateAddress) {
    return new UpstreamFailed('the target cannot be reached', {
      cause,
      detail: 'its name leads to a private address; say `private: true` in its file if that is meant',
    });
  }
  if (cause instanceof errors.HTTPParserError || cause instanceof errors.ResponseContentLengthMismatchError) {
    return new UpstreamFailed('the target answered with something that is not HTTP', { cause });
  }
  if (cause instanceof errors.SocketError) return new UpstreamFailed('the target broke its answer off', { cause });
  return new UpstreamFailed('the target cannot be reached', { cause });
}

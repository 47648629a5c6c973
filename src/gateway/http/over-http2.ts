import type { Http2ServerRequest } from 'node:http2';
import { Http2Answer } from './http2-answer.ts';
import { asHttp1Headers } from './http2-headers.ts';

/** A request over HTTP/2 as what one over HTTP/1.1 is to the gateway. Its body is the request itself. */
export function overHttp2(request: Http2ServerRequest): {
  response: Http2Answer;
  /** @throws InvalidRequest for what could be read in two ways. */
  rawHeaders: () => string[];
} {
  const { stream } = request;
  // A stream that its client resets without an error would end like one that is whole.
  stream.once('aborted', () => {
    if (!request.readableEnded) request.destroy();
  });
  const req = {
    get complete() {
      return stream.endAfterHeaders || request.readableEnded;
    },
  };
  return {
    response: new Http2Answer(stream, req),
    rawHeaders: () => asHttp1Headers(request.rawHeaders, !stream.endAfterHeaders),
  };
}

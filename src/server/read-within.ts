/** No more of the stream is read than `maxBytes`; `null` when there is more. */
export async function readWithin(
  stream: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<Buffer<ArrayBuffer> | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    // Leaving the loop cancels what is still to come.
    if (size > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The length of the body, where the request states one: HTTP holds the body to it, so that there is nothing to count. */
export function statedLength(headers: Headers): number | null {
  const stated = headers.get('content-length');
  return stated !== null && /^\d+$/.test(stated) && !headers.has('transfer-encoding') ? Number(stated) : null;
}

/** The body of the request; `null` when it is larger than `maxBytes`. */
export async function readBodyWithin(request: Request, maxBytes: number): Promise<Uint8Array | null> {
  const stated = statedLength(request.headers);
  if (stated !== null) return stated > maxBytes ? null : new Uint8Array(await request.arrayBuffer());
  return request.body === null ? new Uint8Array() : readWithin(request.body, maxBytes);
}

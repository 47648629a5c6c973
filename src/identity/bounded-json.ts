/** Reads a body as JSON; rejects when it is larger than `maxBytes`, or no UTF-8. */
export async function readBoundedJson(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    // Leaving the loop cancels what is still to come.
    if (size > maxBytes) throw new Error('the document is too large');
    chunks.push(chunk);
  }
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)));
}

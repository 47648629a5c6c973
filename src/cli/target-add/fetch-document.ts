import { readFileSync, statSync } from 'node:fs';
import { MAX_DOCUMENT_BYTES } from '../../catalogue/openapi/read-document.ts';
import { InvalidConfig, TooLarge, UpstreamFailed } from '../../core/errors.ts';

/** How long a document may take to come, milliseconds. */
const TIMEOUT_MS = 60_000;

/** The text of a document and, where it was fetched, the URL that it came from in the end. */
export async function documentOf(source: string): Promise<{ text: string; from?: string }> {
  if (/^https?:\/\//i.test(source)) return fetched(source);
  try {
    if (statSync(source).size > MAX_DOCUMENT_BYTES) throw tooLarge(source);
    return { text: readFileSync(source, 'utf8') };
  } catch (cause) {
    if (cause instanceof TooLarge) throw cause;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
    throw new InvalidConfig(`${source}: cannot be read (${code}); name a file or a URL`, { cause });
  }
}

async function fetched(source: string): Promise<{ text: string; from: string }> {
  try {
    const answer = await fetch(source, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!answer.ok) throw new UpstreamFailed(`${source}: answered ${answer.status}; check the URL`);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of answer.body ?? []) {
      size += chunk.byteLength;
      if (size > MAX_DOCUMENT_BYTES) throw tooLarge(source);
      chunks.push(chunk);
    }
    return { text: Buffer.concat(chunks).toString('utf8'), from: answer.url };
  } catch (cause) {
    if (cause instanceof UpstreamFailed || cause instanceof TooLarge) throw cause;
    throw new UpstreamFailed(`${source}: cannot be fetched; check the URL and the network`, { cause });
  }
}

const tooLarge = (source: string) =>
  new TooLarge(
    `${source}: is larger than ${MAX_DOCUMENT_BYTES / 1024 / 1024} MiB; keep the operations that agents need`,
  );

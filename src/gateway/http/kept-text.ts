import { isUtf8 } from 'node:buffer';
import type { JsonValue } from '../../core/json.ts';
import { textValue } from '../../provenance/result-value.ts';

/** Of an answer, so much is kept until it has passed, to be known as what the agent has read. */
const MAX_KEPT = 2 ** 20;

/** The text of one answer as it passes. */
export class KeptText {
  #chunks: Uint8Array[] | null = [];
  #bytes = 0;

  /** @param readable whether it is text at all, in no content coding. */
  constructor(readable: boolean) {
    if (!readable) this.#chunks = null;
  }

  take(chunk: Uint8Array): void {
    if (this.#chunks === null) return;
    this.#bytes += chunk.length;
    if (this.#bytes > MAX_KEPT) this.#chunks = null;
    // The bytes may be used again by who they came from.
    else this.#chunks.push(Uint8Array.from(chunk));
  }

  /** `null` for what was no text, or more than is kept. */
  value(): { value: JsonValue } | null {
    if (this.#chunks === null) return null;
    const bytes = Buffer.concat(this.#chunks);
    return { value: textValue(bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1')) };
  }
}

/** Pictures, sound and archives say nothing that a value of an argument could be taken from word by word. */
export function isText(contentType: string | undefined): boolean {
  return (
    contentType === undefined ||
    !/^(?:image|audio|video|font)\/|^application\/(?:zip|gzip|octet-stream)\b/i.test(contentType)
  );
}

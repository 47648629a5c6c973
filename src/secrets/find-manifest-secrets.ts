import type { FoundSecret } from './found.ts';
import { isPlaceholder } from './placeholder.ts';

const KIND = /(?:^|[\s{,"'])"?kind"?[ \t]*:[ \t]*["']?Secret["']?[ \t]*(?=[\n\r,}#]|$)/;

/** `name: base64` below `data`, on one line or after a block's sign; YAML and JSON. */
const MEMBER =
  /["']?([\w.-]{1,253})["']?[ \t]*:[ \t]*(?:[|>][-+]?\d?[ \t]*\r?\n[ \t]*)?["']?([A-Za-z0-9+/]{8,}={0,2})(?=["'\s,}]|$)/g;

/** Values of Kubernetes' `kind: Secret`: what is under `data` is one whatever its name. */
export function* findManifestSecrets(text: string): Generator<FoundSecret> {
  if (!/\bSecret\b/.test(text)) return;
  for (let start = 0; start < text.length;) {
    const next = text.indexOf('\n---', start);
    const end = next === -1 ? text.length : next;
    const document = text.slice(start, end);
    if (KIND.test(document)) yield* membersOf(document, start);
    start = end + 4;
  }
}

function* membersOf(document: string, offset: number): Generator<FoundSecret> {
  const data = /(?:^|[\s{,"'])data["']?[ \t]*:/.exec(document);
  if (data === null) return;
  const from = data.index + data[0].length;
  const rest = document.slice(from, endOfBlock(document, from));
  for (const found of rest.matchAll(MEMBER)) {
    const value = found[2]!;
    if (isPlaceholder(value)) continue;
    const start = offset + from + found.index + found[0].indexOf(value, found[1]!.length);
    yield { start, end: start + value.length, rule: 'kubernetes-secret', certainty: 'likely' };
  }
}

/** Where the next member of the document itself begins: a line that is not indented, or the brace that closes. */
function endOfBlock(document: string, from: number): number {
  const line = /\n(?=[A-Za-z])|\}/g;
  line.lastIndex = from;
  return line.exec(document)?.index ?? document.length;
}

import { posix } from 'node:path';
import { Parser, type ReadEntry } from 'tar';

/**
 * The regular files of a tar archive by path, plain or compressed, in any of the dialects (ustar, pax, GNU). A link
 * stands for the file that it names.
 *
 * @throws Error for what is no archive, or a damaged or shortened one.
 */
export function readArchive(archive: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  const links: { path: string; target: string }[] = [];
  let ended = false;
  const onReadEntry = (entry: ReadEntry) => {
    const path = posix.normalize(entry.path);
    const parts: Buffer[] = [];
    entry.on('data', (part) => parts.push(part));
    entry.on('end', () => {
      if (entry.type === 'Link') links.push({ path, target: posix.normalize(entry.linkpath ?? '') });
      else if (entry.type === 'SymbolicLink')
        links.push({ path, target: posix.join(posix.dirname(path), entry.linkpath ?? '') });
      else if (entry.type !== 'Directory') files.set(path, Buffer.concat(parts));
    });
  };
  // Strict: an entry that cannot be read ends the run instead of going missing. All of it happens within `end`.
  const parser = new Parser({ strict: true, maxDecompressionRatio: Infinity, onReadEntry });
  parser.on('end', () => (ended = true));
  parser.end(archive);
  if (!ended) throw new Error('the archive ends early');
  for (const { path, target } of links) {
    const file = files.get(target);
    if (file !== undefined) files.set(path, file);
  }
  return files;
}

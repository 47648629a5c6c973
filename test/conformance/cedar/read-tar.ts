const BLOCK = 512;

/** The regular files of an uncompressed tar archive (POSIX.1-2024 ustar, with GNU long names), by path. */
export function readTar(archive: Buffer): Map<string, string> {
  const files = new Map<string, string>();
  let longName: string | undefined;
  for (let at = 0; at + BLOCK <= archive.length;) {
    const header = archive.subarray(at, at + BLOCK);
    if (header[0] === 0) break;
    const size = Number.parseInt(field(header, 124, 12).trim() || '0', 8);
    const body = archive.subarray(at + BLOCK, at + BLOCK + size);
    const type = field(header, 156, 1);
    const prefix = field(header, 345, 155);
    const name = longName ?? (prefix === '' ? field(header, 0, 100) : `${prefix}/${field(header, 0, 100)}`);
    longName = type === 'L' ? body.toString('utf8').replace(/\0+$/, '') : undefined;
    if (type === '0' || type === '') files.set(name.replace(/^\.\//, ''), body.toString('utf8'));
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}

function field(header: Buffer, start: number, length: number): string {
  const bytes = header.subarray(start, start + length);
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end === -1 ? length : end);
}

import { statSync } from 'node:fs';

/** A text that is another one once the file was changed or replaced; cheap enough to be asked for at each use. */
export function fileState(file: string): string {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? 'absent' : `${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`;
}

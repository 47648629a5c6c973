import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Io } from './io.ts';
import { UsageError } from './io.ts';

/**
 * Members of a task request for the prompt in `--prompt FILE`, or on the standard input for `-`: the text, its digest, and the
 * signature of this process, which has captured it.
 */
export async function capturedPrompt(file: string | undefined, io: Io): Promise<object> {
  const origin = { channel: 'cli', trust: 'authenticated' };
  if (file === undefined) return { origin };
  const prompt = readPrompt(file);
  const digest = `sha256:${createHash('sha256').update(prompt, 'utf8').digest('hex')}`;
  const { signPrompt } = await io.person();
  const signature = await signPrompt?.({ digest, channel: origin.channel });
  return { prompt, origin: { ...origin, digest, ...(signature === undefined ? {} : { signature }) } };
}

function readPrompt(file: string): string {
  let read: Buffer;
  try {
    read = readFileSync(file === '-' ? 0 : file);
  } catch {
    throw new UsageError(`\`--prompt ${file}\`: the file cannot be read`);
  }
  const text = read.toString('utf8');
  if (!Buffer.from(text, 'utf8').equals(read)) throw new UsageError(`\`--prompt ${file}\`: expected UTF-8 text`);
  const trimmed = text.replace(/\s+$/, '');
  if (trimmed === '') throw new UsageError(`\`--prompt ${file}\`: the prompt is empty`);
  return trimmed;
}

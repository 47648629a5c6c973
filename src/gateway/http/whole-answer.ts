import { brotliDecompress, gunzip, inflate, type InputType, type ZlibOptions } from 'node:zlib';
import { TooLarge, UpstreamFailed } from '../../core/errors.ts';

type Decompress = (bytes: InputType, options: ZlibOptions, done: (error: Error | null, result: Buffer) => void) => void;

const DECODERS: Readonly<Record<string, Decompress>> = {
  gzip: gunzip,
  'x-gzip': gunzip,
  deflate: inflate,
  br: brotliDecompress as Decompress,
};

/**
 * The bytes behind a content coding, for who has to look into them. The target was asked for none.
 *
 * @throws TooLarge when there are more than `limit`, of which no more is made; UpstreamFailed for what cannot be decoded.
 */
export function decoded(bytes: Buffer, coding: string, limit: number): Promise<Buffer> {
  const name = coding.trim().toLowerCase();
  if (name === '' || name === 'identity') return Promise.resolve(bytes);
  const decompress = Object.hasOwn(DECODERS, name) ? DECODERS[name] : undefined;
  return new Promise((resolve, reject) => {
    if (decompress === undefined) return reject(new UpstreamFailed('the target encoded its answer in an unknown way'));
    decompress(bytes, { maxOutputLength: limit }, (error, result) => {
      if (error === null) return resolve(result);
      const large = 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
      reject(
        large
          ? new TooLarge(`the target answered with more than ${limit} bytes`, { cause: error })
          : new UpstreamFailed('the answer of the target cannot be decoded', { cause: error }),
      );
    });
  });
}

/** HTTP/2 by its frames (RFC 9113, section 4), for what no client library would send. */
import { connect } from 'node:tls';

/** A field as it is sent, in latin-1. */
export type Field = readonly [name: string, value: string];
/** What came back: kind, flags and stream of a frame, and the error code that it has. */
export type Received = { kind: string; flags: number; stream: number; code?: number; payload: Buffer };

const KINDS = [
  'data',
  'headers',
  'priority',
  'rst_stream',
  'settings',
  'push',
  'ping',
  'goaway',
  'window',
  'continuation',
];
export const END_STREAM = 1;
const END_HEADERS = 4;

export function frame(kind: string, flags: number, stream: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = KINDS.indexOf(kind);
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Literals without indexing and without Huffman (RFC 7541, section 6.2.2), in their order. */
export function headers(fields: readonly Field[], flags = END_STREAM, stream = 1): Buffer {
  const block = fields.flatMap((field) => [
    Buffer.from([0]),
    ...field.flatMap((text) => [lengthOf(Buffer.byteLength(text, 'latin1')), Buffer.from(text, 'latin1')]),
  ]);
  return frame('headers', flags | END_HEADERS, stream, Buffer.concat(block));
}

/** RFC 7541, section 5.1, with a prefix of 7 bits. */
function lengthOf(length: number): Buffer {
  if (length < 127) return Buffer.from([length]);
  const bytes = [127];
  let rest = length - 127;
  for (; rest >= 128; rest = rest >> 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}

export type FrameClient = {
  received: Received[];
  closed: boolean;
  send(...frames: readonly Uint8Array[]): void;
  /** Resolves once a stream has ended or been reset, or the connection is over. */
  ended(stream: number): Promise<Received | null>;
  close(): void;
};

export async function openFrameClient(port: number, ca: string, name: string): Promise<FrameClient> {
  const socket = connect({ host: '127.0.0.1', port, servername: name, ca, ALPNProtocols: ['h2'] });
  const received: Received[] = [];
  const waiting = new Set<() => void>();
  let rest = Buffer.alloc(0);
  socket.on('data', (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const payload = rest.subarray(9, 9 + rest.readUIntBE(0, 3));
      const [kind, stream] = [KINDS[rest[3]!] ?? 'unknown', rest.readUInt32BE(5)];
      const at = { rst_stream: 0, goaway: 4 }[kind];
      received.push({
        kind,
        flags: rest[4]!,
        stream,
        payload,
        ...(at === undefined ? {} : { code: payload.readUInt32BE(at) }),
      });
      rest = rest.subarray(9 + payload.length);
    }
    for (const look of waiting) look();
  });
  const client: FrameClient = {
    received,
    closed: false,
    send: (...frames) => void socket.write(Buffer.concat(frames)),
    ended: (stream) =>
      new Promise((resolve) => {
        const look = () => {
          const last = received.find(
            (each) =>
              each.stream === stream &&
              (each.kind === 'rst_stream' ||
                ((each.kind === 'data' || each.kind === 'headers') && (each.flags & END_STREAM) !== 0)),
          );
          if (last === undefined && !client.closed) return;
          waiting.delete(look);
          resolve(last ?? null);
        };
        waiting.add(look);
        look();
      }),
    close: () => socket.destroy(),
  };
  socket.on('error', () => undefined);
  socket.on('close', () => {
    client.closed = true;
    for (const look of waiting) look();
  });
  await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  client.send(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame('settings', 0, 0));
  return client;
}

import type { Server } from 'node:http';
import type { Config } from '../config/config.ts';
import { InvalidConfig } from '../core/errors.ts';

/** How long what is in flight has at the end. */
export const DRAIN_FOR_MS = 10_000;

/** @throws InvalidConfig when the address cannot be listened at. */
export function listen(server: Server, config: Config): Promise<void> {
  const { host, port } = config.server;
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'EADDRINUSE'
          ? 'is taken; stop what listens there, or choose another with --listen'
          : String(cause.code);
      reject(new InvalidConfig(`address ${host}:${port} ${why}`, { cause }));
    });
    server.listen(port, host, resolve);
  });
}

/** Resolves when the process is asked to stop. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}

/** Takes no more connections; those that are still open after a while are closed. */
export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const late = setTimeout(() => server.closeAllConnections(), DRAIN_FOR_MS);
  late.unref();
  await closed;
  clearTimeout(late);
}

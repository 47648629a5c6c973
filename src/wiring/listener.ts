import { createServer, type Server } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { InvalidConfig } from '../core/errors.ts';
import { openWorkloadStreams } from '../identity/workload-stream.ts';
import type { RequestHandler } from '../server/http2-sessions.ts';
import { followTlsFiles, openKeyFile, readTlsFiles } from '../server/tls-files.ts';
import { createTlsServer } from '../server/tls-server.ts';
import { followTlsSvid } from '../server/tls-workload.ts';

/** How long what is in flight has at the end. */
export const DRAIN_FOR_MS = 10_000;

/** How long a start waits for Remit's own X.509-SVID. */
const SVID_WITHIN_MS = 30_000;

/**
 * The server that the configuration asks for, not yet listening: plain HTTP, or TLS with a certificate that is followed.
 *
 * @throws InvalidConfig when there is no good certificate, Unavailable when the Workload API gives none.
 */
export async function createListener(
  config: Config,
  handler: RequestHandler,
  log: Logger,
): Promise<Server | TlsServer> {
  const { tls } = config.server;
  if (tls === null) return createServer(handler);
  if ('workloadApi' in tls) return listenerBySvid(tls.workloadApi, handler, log);
  const served = createTlsServer(readTlsFiles(tls), handler);
  const open = openKeyFile(tls);
  if (open !== null) log.warn({ problem: open }, 'the TLS key');
  const report = (problem: string) => log.error({ problem }, 'the TLS certificate');
  const following = followTlsFiles(tls, (identity) => served.present(identity), report);
  served.server.once('close', () => following.stop());
  return served.server;
}

async function listenerBySvid(endpoint: string, handler: RequestHandler, log: Logger): Promise<TlsServer> {
  const streams = openWorkloadStreams(endpoint, (problem) => log.error({ problem }, 'the TLS certificate'));
  let served: ReturnType<typeof createTlsServer> | undefined;
  try {
    const first = await followTlsSvid(streams, (identity) => served?.present(identity), SVID_WITHIN_MS);
    served = createTlsServer(first, handler);
    served.server.once('close', () => streams.close());
    return served.server;
  } catch (error) {
    streams.close();
    throw error;
  }
}

/** @throws InvalidConfig when the address cannot be listened at. */
export function listen(server: Server | TlsServer, config: Config): Promise<void> {
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
export async function closeServer(server: Server | TlsServer): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const late = setTimeout(() => server.closeAllConnections(), DRAIN_FOR_MS);
  late.unref();
  await closed;
  clearTimeout(late);
}

import { Pool, type Dispatcher } from 'undici';
import type { ClientCertificate } from '../../credential/credential.ts';
import { publicLookup } from './addresses.ts';
import type { ApiTarget } from './api-target.ts';

/** The connections to all targets. They carry requests of any task: nothing of one stays on them (invariant 13). */
export type Upstreams = {
  /** @param certificate of the client, which connections are shared by. */
  of(target: ApiTarget, certificate: ClientCertificate | null): Pick<Dispatcher, 'dispatch' | 'request'>;
  close(): Promise<void>;
};

/** More calls than this at a time wait for one another, at each target. */
const CONNECTIONS = 256;
/**
 * Idle connections are given up well before servers commonly do (Node: 5 s). A request sent on a connection that the
 * server is just closing fails, and it cannot be sent again by itself: it may have been carried out.
 */
const IDLE_MS = 2_000;
const CONNECT_WITHIN_MS = 10_000;

export function createUpstreams(lookup = publicLookup()): Upstreams {
  const pools = new Map<string, Pool>();
  function open({ config, origin }: ApiTarget, certificate: ClientCertificate | null): Pool {
    const isPrivate = config.upstream.kind === 'http' && config.upstream.private === true;
    return new Pool(origin, {
      connections: CONNECTIONS,
      pipelining: 1,
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: 60_000,
      keepAliveTimeoutThreshold: IDLE_MS,
      headersTimeout: config.timeoutMs,
      bodyTimeout: 0,
      connect: {
        timeout: Math.min(config.timeoutMs, CONNECT_WITHIN_MS),
        ...(isPrivate ? {} : { lookup }),
        ...(certificate === null ? {} : { cert: certificate.cert, key: certificate.key }),
      },
    });
  }
  return {
    of: (target, certificate) => {
      const key = certificate === null ? target.name : `${target.name} ${certificate.id}`;
      const known = pools.get(key);
      if (known !== undefined) return known;
      const pool = open(target, certificate);
      pools.set(key, pool);
      return pool;
    },
    close: async () => {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
    },
  };
}

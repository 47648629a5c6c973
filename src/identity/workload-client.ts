import { credentials, Metadata, status, type Client, type ServiceError } from '@grpc/grpc-js';
import { decodeJwt } from 'jose';
import { InvalidConfig, Unavailable } from '../core/errors.ts';
import { SECURITY_HEADER, workloadService, type JwtSvidMessage, type X509SvidMessage } from './workload-proto.ts';

/** An agent's side of the SPIFFE Workload API: SPIRE's agent in production, the development authority otherwise. */
export interface WorkloadClient {
  /** A JWT-SVID for one audience. `expiresAt` in ms since the epoch. */
  fetchJwtSvid(audience: string): Promise<{ spiffeId: string; svid: string; expiresAt: number }>;
  /** The X.509-SVID: DER certificates (leaf first), PKCS#8 key, and the trust domain's CA certificates, DER. */
  fetchX509Svid(): Promise<{ spiffeId: string; certificates: Buffer; key: Buffer; bundle: Buffer }>;
  /** JWK Sets by trust domain. */
  fetchJwtBundles(): Promise<Map<string, string>>;
  close(): void;
}

type Callback<Answer> = (error: ServiceError | null, answer: Answer) => void;
type Stub = Client & {
  FetchJWTSVID(
    request: object,
    metadata: Metadata,
    options: object,
    callback: Callback<{ svids: JwtSvidMessage[] }>,
  ): void;
  FetchX509SVID(request: object, metadata: Metadata, options: object): NodeJS.EventEmitter & { cancel(): void };
  FetchJWTBundles(request: object, metadata: Metadata, options: object): NodeJS.EventEmitter & { cancel(): void };
};

const DEADLINE_MS = 10_000;

/** @param endpoint the form of `SPIFFE_ENDPOINT_SOCKET`: `unix:/path` or `unix:///path`. */
export function createWorkloadClient(endpoint: string): WorkloadClient {
  if (!endpoint.startsWith('unix:')) {
    throw new InvalidConfig('`SPIFFE_ENDPOINT_SOCKET`: expected `unix:` and the path of the Workload API socket');
  }
  const Service = workloadService();
  // The service is made of a definition at run time; `Stub` is what that definition says.
  const stub = new Service(endpoint, credentials.createInsecure(), {
    'grpc.default_authority': 'localhost',
  }) as unknown as Stub;
  const metadata = () => {
    const header = new Metadata();
    header.set(SECURITY_HEADER, 'true');
    return header;
  };
  const options = () => ({ deadline: Date.now() + DEADLINE_MS });
  return {
    fetchJwtSvid: async (audience) => {
      const { svids } = await new Promise<{ svids: JwtSvidMessage[] }>((resolve, reject) => {
        stub.FetchJWTSVID({ audience: [audience] }, metadata(), options(), (error, answer) =>
          error === null ? resolve(answer) : reject(failure(error)),
        );
      });
      const first = svids[0];
      const exp = first === undefined ? undefined : decodeJwt(first.svid).exp;
      if (first === undefined || exp === undefined) throw new Unavailable('the Workload API gave no JWT-SVID');
      return { spiffeId: first.spiffe_id, svid: first.svid, expiresAt: exp * 1000 };
    },
    fetchX509Svid: async () => {
      const { svids } = await firstOf<{ svids: X509SvidMessage[] }>(stub.FetchX509SVID({}, metadata(), options()));
      const first = svids[0];
      if (first === undefined) throw new Unavailable('the Workload API gave no X.509-SVID');
      return {
        spiffeId: first.spiffe_id,
        certificates: first.x509_svid,
        key: first.x509_svid_key,
        bundle: first.bundle,
      };
    },
    fetchJwtBundles: async () => {
      const { bundles } = await firstOf<{ bundles: Record<string, Buffer> }>(
        stub.FetchJWTBundles({}, metadata(), options()),
      );
      return new Map(
        Object.entries(bundles).map(([id, keys]) => [id.replace(/^spiffe:\/\//, ''), keys.toString('utf8')]),
      );
    },
    close: () => stub.close(),
  };
}

function firstOf<Answer>(stream: NodeJS.EventEmitter & { cancel(): void }): Promise<Answer> {
  return new Promise((resolve, reject) => {
    stream.once('data', (answer: Answer) => {
      resolve(answer);
      stream.cancel();
    });
    // Also takes the error that cancelling raises, after the promise has settled.
    stream.on('error', (error: ServiceError) => reject(failure(error)));
  });
}

function failure(cause: ServiceError): Unavailable {
  const why = cause.code === status.PERMISSION_DENIED ? 'has no identity for this process' : 'cannot be reached';
  return new Unavailable(`the Workload API ${why}; check \`SPIFFE_ENDPOINT_SOCKET\``, { cause });
}

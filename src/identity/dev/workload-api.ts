import {
  Server,
  ServerCredentials,
  status,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type Metadata,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import { decodeJwt } from 'jose';
import type { SvidVerifier } from '../jwt-svid.ts';
import { SECURITY_HEADER, workloadService } from '../workload-proto.ts';
import type { AuthorityKeys } from './authority-keys.ts';

type WorkloadApiParts = { keys: AuthorityKeys; trustDomain: string; svids: SvidVerifier; clock: () => number };

/**
 * Serves the Workload API for one identity on a Unix socket of its own. `spiffeId` is `null` for a caller without an
 * identity, who is told PERMISSION_DENIED as the specification asks.
 */
export async function serveWorkloadApi(
  socket: string,
  spiffeId: string | null,
  parts: WorkloadApiParts,
): Promise<Server> {
  const server = new Server();
  server.addService(workloadService().service, {
    FetchX509SVID: streaming(parts, spiffeId, async (id) => {
      const svid = await parts.keys.issueX509(id);
      return {
        answer: {
          svids: [
            { spiffe_id: id, x509_svid: svid.certificates, x509_svid_key: svid.key, bundle: svid.bundle, hint: '' },
          ],
        },
        expiresAt: svid.expiresAt,
      };
    }),
    FetchX509Bundles: streaming(parts, spiffeId, async (id) => {
      const { bundle } = await parts.keys.issueX509(id);
      return { answer: { bundles: { [`spiffe://${parts.trustDomain}`]: bundle } }, expiresAt: null };
    }),
    FetchJWTBundles: streaming(parts, spiffeId, async () => ({
      answer: { bundles: { [`spiffe://${parts.trustDomain}`]: Buffer.from(JSON.stringify(parts.keys.bundle())) } },
      expiresAt: null,
    })),
    FetchJWTSVID: unary<{ audience: string[]; spiffe_id: string }>(
      spiffeId,
      async (id, { audience, spiffe_id: wanted }) => {
        if (audience.length === 0) throw grpcError(status.INVALID_ARGUMENT, 'an audience is needed');
        if (wanted !== '' && wanted !== id)
          throw grpcError(status.PERMISSION_DENIED, 'not an identity of this workload');
        return { svids: [{ spiffe_id: id, svid: await parts.keys.issueJwt(id, audience), hint: '' }] };
      },
    ),
    ValidateJWTSVID: unary<{ audience: string; svid: string }>(spiffeId, async (_id, { audience, svid }) => {
      const valid = await parts.svids.verifyJwtSvid(svid, [audience]).catch(() => null);
      if (valid === null) throw grpcError(status.INVALID_ARGUMENT, 'the SVID is not valid');
      return { spiffe_id: valid.agent.id, claims: toStruct(decodeJwt(svid)) };
    }),
  });
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    );
  });
  return server;
}

function grpcError(code: status, details: string): { code: status; details: string } & Error {
  return Object.assign(new Error(details), { code, details });
}

/** SPIFFE Workload Endpoint, section 3, and Workload API, section 6: the header first, then the identity. */
function checkCaller(metadata: Metadata, spiffeId: string | null): string {
  if (metadata.get(SECURITY_HEADER)[0] !== 'true') {
    throw grpcError(status.INVALID_ARGUMENT, `the ${SECURITY_HEADER} header is missing`);
  }
  if (spiffeId === null) throw grpcError(status.PERMISSION_DENIED, 'no identity is issued to this workload');
  return spiffeId;
}

function unary<Request>(
  spiffeId: string | null,
  answer: (spiffeId: string, request: Request) => Promise<object>,
): handleUnaryCall<Request, object> {
  return (call, callback) => {
    const run = async () => {
      try {
        callback(null, await answer(checkCaller(call.metadata, spiffeId), call.request));
      } catch (error) {
        callback(error as Error);
      }
    };
    void run();
  };
}

/** Sends what there is, and again at half of its life, for as long as the caller listens. */
function streaming(
  parts: WorkloadApiParts,
  spiffeId: string | null,
  produce: (spiffeId: string) => Promise<{ answer: object; expiresAt: number | null }>,
): handleServerStreamingCall<object, object> {
  return (call: ServerWritableStream<object, object>) => {
    let timer: NodeJS.Timeout | undefined;
    call.on('cancelled', () => clearTimeout(timer));
    // What grpc-js sends as the status of the stream; a destroyed one ends without any.
    const fail = (error: Error) => void call.emit('error', error);
    const send = async () => {
      const { answer, expiresAt } = await produce(checkCaller(call.metadata, spiffeId));
      if (call.cancelled) return;
      call.write(answer);
      if (expiresAt !== null) {
        timer = setTimeout(() => void send().catch(fail), (expiresAt - parts.clock()) / 2);
        timer.unref();
      }
    };
    send().catch(fail);
  };
}

/** `google.protobuf.Struct` of flat claims. */
function toStruct(claims: Record<string, unknown>): object {
  const value = (claim: unknown): object => {
    if (typeof claim === 'number') return { numberValue: claim };
    if (typeof claim === 'string') return { stringValue: claim };
    if (typeof claim === 'boolean') return { boolValue: claim };
    if (Array.isArray(claim)) return { listValue: { values: claim.map(value) } };
    return { nullValue: 0 };
  };
  return { fields: Object.fromEntries(Object.entries(claims).map(([name, claim]) => [name, value(claim)])) };
}

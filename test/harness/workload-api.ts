import { Server, ServerCredentials, status, type ServerWritableStream } from '@grpc/grpc-js';
import { SECURITY_HEADER, workloadService } from '../../src/identity/workload-proto.ts';

type Method = 'FetchX509SVID' | 'FetchX509Bundles' | 'FetchJWTBundles';

/** A Workload API on a Unix socket that says what the test wants, when it wants. */
export type ScriptedWorkloadApi = {
  /** To everybody who listens now, and to whoever comes later. */
  say(method: Method, message: object): void;
  /** Ends all streams with PERMISSION_DENIED, and answers with it from now on. */
  deny(denied: boolean): void;
  /** How often a method was called. */
  calls(method: Method): number;
  close(): void;
};

export async function serveScriptedWorkloadApi(socket: string): Promise<ScriptedWorkloadApi> {
  const last = new Map<Method, object>();
  const listening = new Map<Method, Set<ServerWritableStream<object, object>>>();
  const calls = new Map<Method, number>();
  let denied = false;
  const refusal = (code: status) => Object.assign(new Error('refused'), { code, details: 'refused' });
  const serve = (method: Method) => (call: ServerWritableStream<object, object>) => {
    calls.set(method, (calls.get(method) ?? 0) + 1);
    if (call.metadata.get(SECURITY_HEADER)[0] !== 'true')
      return void call.emit('error', refusal(status.INVALID_ARGUMENT));
    if (denied) return void call.emit('error', refusal(status.PERMISSION_DENIED));
    const streams = listening.get(method) ?? new Set();
    listening.set(method, streams.add(call));
    call.on('cancelled', () => streams.delete(call));
    const message = last.get(method);
    if (message !== undefined) call.write(message);
  };
  const server = new Server();
  const refuse = (_call: unknown, callback: (error: Error) => void) => callback(refusal(status.UNIMPLEMENTED));
  server.addService(workloadService().service, {
    FetchX509SVID: serve('FetchX509SVID'),
    FetchX509Bundles: serve('FetchX509Bundles'),
    FetchJWTBundles: serve('FetchJWTBundles'),
    FetchJWTSVID: refuse,
    ValidateJWTSVID: refuse,
  });
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    );
  });
  return {
    say: (method, message) => {
      last.set(method, message);
      for (const stream of listening.get(method) ?? []) stream.write(message);
    },
    deny: (now) => {
      denied = now;
      if (!now) return;
      for (const stream of [...listening.values()].flatMap((streams) => [...streams])) {
        stream.emit('error', refusal(status.PERMISSION_DENIED));
      }
      listening.clear();
    },
    calls: (method) => calls.get(method) ?? 0,
    close: () => server.forceShutdown(),
  };
}

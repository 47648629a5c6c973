import { credentials, Metadata, status, type Client, type ServiceError } from '@grpc/grpc-js';
import { SECURITY_HEADER, workloadService } from './workload-proto.ts';

const BACK_OFF_MS = { first: 250, most: 30_000 };
/** A stream that lived so long was no failure: it is opened again at once (Workload API, section 4.2). */
const STABLE_MS = 10_000;
const MAX_MESSAGE = 4 * 1024 * 1024;

type StreamMethod = 'FetchX509SVID' | 'FetchX509Bundles' | 'FetchJWTBundles';
type Stream = NodeJS.EventEmitter & { cancel(): void };
type Stub = Client & Record<StreamMethod, (request: object, metadata: Metadata) => Stream>;

export type WorkloadStreams = {
  /**
   * Follows a stream of the Workload API for as long as the streams are open, over each loss of the connection.
   *
   * @param take throws when it cannot use a message: the message is dropped, and the one before stays.
   * @param denied no identity is issued to this process (any longer): what was given is to be used no more.
   */
  follow<Message>(method: StreamMethod, take: (message: Message) => void, denied: () => void): void;
  close(): void;
};

/** One connection to the Workload API. `report` is told of each kind of trouble once, until there is a message again. */
export function openWorkloadStreams(endpoint: string, report: (problem: string) => void): WorkloadStreams {
  const Service = workloadService();
  const stub = new Service(endpoint, credentials.createInsecure(), {
    'grpc.default_authority': 'localhost',
    'grpc.max_receive_message_length': MAX_MESSAGE,
    'grpc.initial_reconnect_backoff_ms': BACK_OFF_MS.first,
    'grpc.max_reconnect_backoff_ms': BACK_OFF_MS.most,
  }) as unknown as Stub;
  const open = new Set<{ end(): void }>();
  let closed = false;

  function follow<Message>(method: StreamMethod, take: (message: Message) => void, denied: () => void): void {
    let wait = BACK_OFF_MS.first;
    let said: string | undefined;
    const complain = (problem: string) => {
      if (problem !== said) report(`${method}: ${problem}`);
      said = problem;
    };
    const start = () => {
      if (closed) return;
      const startedAt = performance.now();
      const metadata = new Metadata();
      metadata.set(SECURITY_HEADER, 'true');
      const stream = stub[method]({}, metadata);
      let timer: NodeJS.Timeout | undefined;
      const self = {
        end: () => {
          clearTimeout(timer);
          stream.cancel();
        },
      };
      open.add(self);
      let over = false;
      const again = () => {
        if (over) return;
        over = true;
        if (performance.now() - startedAt > STABLE_MS) wait = BACK_OFF_MS.first;
        // Half of it by chance, so that many that lost one agent do not come back as one.
        timer = setTimeout(
          () => {
            open.delete(self);
            start();
          },
          wait * (0.5 + Math.random() / 2),
        );
        timer.unref();
        wait = Math.min(wait * 2, BACK_OFF_MS.most);
      };
      stream.on('data', (message: Message) => {
        try {
          take(message);
          said = undefined;
        } catch (cause) {
          complain(`a message is of no use: ${cause instanceof Error ? cause.message : String(cause)}`);
        }
      });
      stream.on('error', (error: ServiceError) => {
        if (closed) return;
        if (error.code === status.PERMISSION_DENIED) denied();
        complain(`the Workload API ${describe(error.code)}; check \`${endpoint}\``);
        again();
      });
      stream.on('end', again);
    };
    start();
  }

  return {
    follow,
    close: () => {
      closed = true;
      for (const each of open) each.end();
      stub.close();
    },
  };
}

function describe(code: number): string {
  if (code === status.PERMISSION_DENIED) return 'has no identity for this process';
  if (code === status.UNAVAILABLE) return 'cannot be reached';
  return `failed (${status[code] ?? code})`;
}

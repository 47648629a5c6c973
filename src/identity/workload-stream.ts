import { credentials, Metadata, status, type Client, type ServiceError } from '@grpc/grpc-js';
import { SECURITY_HEADER, workloadService } from './workload-proto.ts';

const BACK_OFF_MS = { first: 250, most: 30_000 };
const MAX_MESSAGE = 4 * 1024 * 1024;

type StreamMethod = 'FetchX509SVID' | 'FetchX509Bundles' | 'FetchJWTBundles';
type Stream = NodeJS.EventEmitter & { cancel(): void };
type Stub = Client & Record<StreamMethod, (request: object, metadata: Metadata) => Stream>;

export type Loss = 'denied' | 'unreachable';

export type WorkloadStreams = {
  /**
   * Follows a stream of the Workload API until the streams are closed, over each loss of the connection.
   *
   * @param take throws when it cannot use a message: the message is dropped, and the one before stays.
   * @param lost told each time that the stream is gone, and whether because no identity is issued to this process.
   */
  follow<Message>(method: StreamMethod, take: (message: Message) => void, lost: (why: Loss) => void): void;
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
  const followed: Followed[] = [];
  return {
    follow: (method, take, lost) => {
      const open = () => {
        const metadata = new Metadata();
        metadata.set(SECURITY_HEADER, 'true');
        return stub[method]({}, metadata);
      };
      const each = new Followed({
        open,
        take: (message) => {
          // Of the form that goes with `open`: both are of one procedure of the definition.
          take(message as never);
          // The agent is there again: nobody has to wait for it any longer.
          for (const other of followed) if (other !== each) other.hurry();
        },
        lost,
        report: (problem) => report(`${method}: ${problem}`),
        endpoint,
      });
      followed.push(each);
      each.start();
    },
    close: () => {
      for (const each of followed) each.stop();
      stub.close();
    },
  };
}

type Parts = {
  open: () => Stream;
  take: (message: unknown) => void;
  lost: (why: Loss) => void;
  report: (problem: string) => void;
  endpoint: string;
};

/** One stream that is opened again each time that it ends, after a wait that grows until there is a message. */
class Followed {
  readonly #parts: Parts;
  #stream: Stream | undefined;
  #timer: NodeJS.Timeout | undefined;
  #wait = BACK_OFF_MS.first;
  #said: string | undefined;
  #stopped = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = undefined;
    if (this.#stopped) return;
    const stream = this.#parts.open();
    this.#stream = stream;
    stream.on('data', (message: unknown) => this.#take(message));
    stream.on('error', (error: ServiceError) => {
      if (this.#stopped || this.#stream !== stream) return;
      this.#complain(`the Workload API ${describe(error.code)}; check \`${this.#parts.endpoint}\``);
      this.#again(error.code === status.PERMISSION_DENIED ? 'denied' : 'unreachable');
    });
    stream.on('end', () => {
      if (this.#stream === stream) this.#again('unreachable');
    });
  }

  /** Cuts a wait short. */
  hurry(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#wait = BACK_OFF_MS.first;
    this.start();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#stream?.cancel();
  }

  #take(message: unknown): void {
    this.#wait = BACK_OFF_MS.first;
    try {
      this.#parts.take(message);
      this.#said = undefined;
    } catch (cause) {
      this.#complain(`a message is of no use: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  }

  #again(why: Loss): void {
    this.#stream = undefined;
    if (this.#stopped) return;
    this.#parts.lost(why);
    // Half of it by chance, so that many that lost one agent do not come back as one.
    this.#timer = setTimeout(() => this.start(), this.#wait * (0.5 + Math.random() / 2));
    this.#timer.unref();
    this.#wait = Math.min(this.#wait * 2, BACK_OFF_MS.most);
  }

  #complain(problem: string): void {
    if (problem !== this.#said) this.#parts.report(problem);
    this.#said = problem;
  }
}

function describe(code: number): string {
  if (code === status.PERMISSION_DENIED) return 'has no identity for this process';
  if (code === status.UNAVAILABLE) return 'cannot be reached';
  return `failed (${status[code] ?? code})`;
}

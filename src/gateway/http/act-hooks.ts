import type { Readable } from 'node:stream';
import type { ClientCertificate, NamedCredential } from '../../credential/credential.ts';
import type { Intended } from '../../lease/intend.ts';
import type { Outcome } from '../exchange.ts';
import type { Strip } from '../../credential/strip.ts';
import type { HttpExchange } from './request.ts';

/** A request to a target about to leave. */
export type Departing = {
  method: string;
  /** Absolute. */
  url: string;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: Uint8Array | Readable | null;
};

/** The same with the credential of the target in it. */
export type Departed = Departing & {
  /** The client certificate of the connection. */
  tls: ClientCertificate | null;
  /** INVARIANT 7: what must not come back in the answer. */
  secrets: readonly string[];
  /** Which credential that was, for the outcome; absent where it is fixed headers alone. */
  named?: NamedCredential;
  /** The target has refused the credential. */
  onRefused: () => void;
};

/** An answer that was read to its end before the agent sees any of it. */
export type WholeAnswer = { status: number; headers: [string, string][]; body: Uint8Array };

export type Reading = 'whole' | 'screened' | 'streamed';

/** What capabilities do to a permitted request and its answer, in this order. */
export type ActHooks = {
  /** The call may bring something into the world; what came of it is told by its outcome where no answer does. */
  follow: (intended: Intended, outcome: Promise<Outcome>) => void;
  /** Handles in the request become what they stand for. */
  reveal: (departing: Departing, exchange: HttpExchange) => Promise<Departing> | Departing;
  /** The credential of the target comes in: last, so that nothing of the agent's can take its place. */
  inject: (departing: Departing, exchange: HttpExchange) => Promise<Departed> | Departed;
  /**
   * How an answer that begins is read: `whole`, before anything of it goes on; `screened`, whole where it is small, and else
   * as it comes; `streamed`, as it comes.
   */
  reading: (exchange: HttpExchange, answer: Pick<WholeAnswer, 'status' | 'headers'>) => Reading;
  /** What an answer that goes on as it comes is led through, behind that for the secrets of the credential. */
  streamed: (exchange: HttpExchange, answer: Pick<WholeAnswer, 'status' | 'headers'>) => readonly Strip[];
  /** An answer that was read whole as the agent may see it. The secrets of the credential are out of it already. */
  conceal: (answer: WholeAnswer, exchange: HttpExchange) => Promise<WholeAnswer> | WholeAnswer;
  /** How secrets are taken out of answers, whole ones and such as stream by. */
  strip: (secrets: readonly string[]) => Strip;
};

import { z } from '@hono/zod-openapi';
import { InvalidRequest } from '../../core/errors.ts';
import { REVOCATION_KINDS, type Revocation } from '../../core/revocation.ts';
import { securityEvent, SET_TYPE } from '../../revocation/security-event.ts';
import type { RevocationFeed } from '../../revocation/feed.ts';
import { askerName, type Asker } from '../../task/authorize.ts';
import type { TokenKey } from '../../token/signing-key.ts';
import { eventStream } from '../event-stream.ts';
import { controlRoute, type ControlApp } from './route.ts';

const time = z.iso.datetime();

const revocationWire = z
  .object({
    sequence: z.number().int(),
    at: time,
    kind: z.enum(REVOCATION_KINDS),
    subject: z.record(z.string(), z.json()).openapi({ type: 'object' }),
    cause: z.string(),
    record: z.string(),
  })
  .openapi('Revocation');

const setWire = z.object({
  sequence: z.number().int(),
  set: z.string().nullable().openapi({ description: 'RFC 8417; `null` for an entry of which no event type speaks' }),
});

const feedRoute = controlRoute({
  method: 'get',
  path: '/v1/revocations',
  summary:
    'what has ended, in order; with `Accept: text/event-stream` as a stream that goes on, resumed by `Last-Event-ID`',
  request: {
    query: z.object({
      after: z.coerce.number().int().min(0).optional(),
      limit: z.coerce.number().int().min(1).max(1000).default(100),
      format: z.enum(['json', 'set']).default('json'),
    }),
  },
  answer: z.object({
    revocations: z.array(z.union([revocationWire, setWire])),
    oldest: z.number().int(),
    newest: z.number().int(),
  }),
});

const snapshotRoute = controlRoute({
  method: 'get',
  path: '/v1/revocations/snapshot',
  summary: 'what is revoked and still matters, as of an entry of the feed: where to begin, and to begin anew',
  answer: z.object({
    position: z.number().int(),
    tasks: z.array(z.string()),
    tokens: z.array(z.string()),
    agents: z.array(z.string()),
    suspended: z.array(z.object({ kind: z.string(), id: z.string() })),
  }),
});

export type RevocationRouteParts = {
  revocationFeed: RevocationFeed;
  tokenKey: Pick<TokenKey, 'sign'>;
  publicUrl: string;
  clock: () => number;
};

export function revocationRoutes(app: ControlApp, parts: RevocationRouteParts): void {
  const { revocationFeed: feed } = parts;
  app.openapi(feedRoute, async (c) => {
    const { asker } = c.var;
    const { after, limit, format } = c.req.valid('query');
    const form = format === 'set' ? (entry: Revocation) => setOf(entry, asker, parts) : jsonOf;
    if (c.req.header('accept')?.includes('text/event-stream') === true) {
      const resumed = lastEventId(c.req.header('last-event-id'));
      const { messages } = await feed.follow(asker, resumed ?? after);
      // The framework types one answer a route, and a stream is none of its.
      return eventStream(messages, { event: format === 'set' ? 'set' : 'revocation', form }) as never;
    }
    const page = await feed.page(asker, { after, limit });
    const revocations = await Promise.all(
      page.revocations.map(async (entry) => {
        const text = await form(entry);
        return format === 'set' ? { sequence: entry.sequence, set: text } : revocationToWire(entry);
      }),
    );
    return c.json({ ...page, revocations }, 200);
  });
  app.openapi(snapshotRoute, async (c) => c.json(await feed.snapshot(c.var.asker), 200));
}

/** @throws InvalidRequest: a position that is none must not be taken for no position. */
function lastEventId(header: string | undefined): number | undefined {
  if (header === undefined || header === '') return undefined;
  if (!/^\d{1,15}$/.test(header))
    throw new InvalidRequest('`Last-Event-ID`: expected the id of an event of this stream');
  return Number(header);
}

function revocationToWire({ at, ...entry }: Revocation): z.output<typeof revocationWire> {
  return { ...entry, at: new Date(at).toISOString() };
}

function jsonOf(entry: Revocation): string {
  return JSON.stringify(revocationToWire(entry));
}

/** For whoever asks: the audience of a Security Event Token is its receiver (RFC 8417, section 2.2). */
async function setOf(entry: Revocation, asker: Asker, parts: RevocationRouteParts): Promise<string | null> {
  const { publicUrl, clock, tokenKey } = parts;
  const claims = securityEvent(entry, { issuer: publicUrl, audience: askerName(asker), now: clock() });
  return claims === null ? null : tokenKey.sign(SET_TYPE, claims);
}

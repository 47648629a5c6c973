import type { BodyForm } from '../../config/http-operation.ts';
import type { Action } from '../../core/action.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';
import { Conflict } from '../../core/errors.ts';
import { replaceHandles, type NamedLease } from '../../core/lease.ts';
import { stripOf } from '../../credential/strip.ts';
import type { Ledger } from '../../lease/ledger.ts';
import { allTexts } from '../../lease/handles-in.ts';
import { mapTexts } from '../../lease/map-texts.ts';
import type { ActHooks, Departing, WholeAnswer } from './act-hooks.ts';
import { problemAnswer } from './problem.ts';
import type { HttpExchange } from './request.ts';
import { swapInFields, swapInJson, swapInUrl, type Swap } from './swap-handles.ts';

export type LeasedParts = Pick<
  Ledger,
  'follow' | 'reveal' | 'answered' | 'screen' | 'hide' | 'screening' | 'screenStream' | 'valuesAt'
>;

/** What of an answer can be looked into: text. The rest goes on as it comes. */
const TEXTUAL =
  /^(?:text\/|application\/(?:[\w.+-]*\+)?(?:json|xml|yaml|x-yaml|javascript|x-www-form-urlencoded|x-ndjson)\b)/i;

function typeOf(headers: WholeAnswer['headers']): string {
  return headers.find(([name]) => name === 'content-type')?.[1] ?? 'text/plain';
}

function isText(headers: WholeAnswer['headers']): boolean {
  return TEXTUAL.test(typeOf(headers));
}

function isStream(headers: WholeAnswer['headers']): boolean {
  return /^text\/event-stream\b/i.test(typeOf(headers));
}

/** What the ledger does to a permitted request and its answer. */
export function leasedHooks(
  leases: LeasedParts,
): Pick<ActHooks, 'follow' | 'reveal' | 'reading' | 'conceal' | 'streamed'> {
  return {
    follow: (intended, outcome) => leases.follow(intended, outcome),
    reveal: (departing, exchange) => revealed(departing, exchange, leases),
    reading: (exchange, { status, headers }) => {
      if (exchange.intended !== undefined) return 'whole';
      // What has no body has nothing to look into, and its length is that of something else.
      if (exchange.request.method === 'HEAD' || status === 204 || status === 304) return 'streamed';
      return isText(headers) && !isStream(headers) && exchange.action !== undefined && leases.screening(exchange.action)
        ? 'screened'
        : 'streamed';
    },
    conceal: (answer, exchange) => concealed(answer, exchange, leases),
    streamed: ({ request, action, chain, recordId }, { headers }) => {
      const values = stripOf(leases.valuesAt(request.target.name));
      if (action === undefined || chain === undefined || recordId === undefined) return [values];
      if (!isText(headers) || !leases.screening(action)) return [values];
      return [values, leases.screenStream({ action, chain, decision: recordId })];
    },
  };
}

/**
 * The request with values in place of the handles that were decided on, each written as its place demands. A body is looked
 * into where the decision has seen it.
 *
 * @throws Conflict when a lease has ended since, or its value cannot stand where its handle does.
 */
function revealed(departing: Departing, { action, request }: HttpExchange, leases: LeasedParts): Departing {
  const named = action?.leases;
  if (action === undefined || named === undefined) return departing;
  const { body } = departing;
  const swap = swapOf(action, named, leases);
  const operation = request.call?.operation;
  const write = bodyWriter(operation?.body);
  const inBody = operation?.graphql === undefined ? swap : inDocument(swap, action);
  return {
    ...departing,
    url: inUrl(swapInUrl(departing.url, swap)),
    headers: Object.fromEntries(
      Object.entries(departing.headers).map(([name, value]) => [name, inHeader(value, swap(value))]),
    ),
    body:
      body instanceof Uint8Array && write !== null
        ? Buffer.from(write(Buffer.from(body).toString('utf8'), inBody))
        : body,
  };
}

/** What the arguments have as a text of their own is read whole, Base64 too; anything else holds handles as they are alone. */
function swapOf(action: Action, named: readonly NamedLease[], leases: LeasedParts): Swap {
  const own = new Set(allTexts(action.arguments));
  return (text) =>
    own.has(text) ? leases.reveal(text, named) : replaceHandles(text, (_id, handle) => leases.reveal(handle, named));
}

function bodyWriter(form: BodyForm | undefined): ((body: string, swap: Swap) => string) | null {
  if (form === 'json') return swapInJson;
  return form === 'form' ? swapInFields : null;
}

/** A value in the text of a GraphQL document must not end the string that it stands in. */
function inDocument(swap: Swap, { arguments: { body } }: Action): Swap {
  const document = isJsonObject(body) ? body['query'] : undefined;
  return (text) => {
    if (text !== document) return swap(text);
    return replaceHandles(text, (_id, handle) => {
      const value = swap(handle);
      if (/^[^"\\\p{Cc}]*$/u.test(value)) return value;
      throw new Conflict('what the handle stands for cannot stand in a GraphQL document; send it as a variable');
    });
  };
}

/** RFC 9110, section 5.5. */
function inHeader(before: string, value: string): string {
  if (value === before || /^[\x20-\x7e\x80-\xff]+$/.test(value)) return value;
  throw new Conflict('what the handle stands for cannot be sent in a header');
}

/** A value must not lead to another path than the one that was decided on. */
function inUrl(url: string): string {
  const path = url.split('?')[0]!;
  if (!/\/\.{1,2}(?:\/|$)/.test(path.replace(/%2e/gi, '.'))) return url;
  throw new Conflict('what the handle stands for cannot be sent in a path');
}

async function concealed(given: WholeAnswer, exchange: HttpExchange, leases: LeasedParts): Promise<WholeAnswer> {
  const answer = { ...given, headers: combined(given.headers) };
  const { intended, action, chain, recordId, request, caller } = exchange;
  const shown: JsonObject = {
    headers: Object.fromEntries(answer.headers),
    body: Buffer.from(answer.body).toString('utf8'),
  };
  let whole = shown;
  if (intended !== undefined) {
    const { status } = answer;
    const caught = await leases.answered(intended, {
      failed: status >= 400,
      refused: status >= 400 && status < 500 && status !== 408,
      answer: placesOf(answer),
      whole,
    });
    if ('withheld' in caught) return withheld(caught.withheld);
    whole = caught.whole;
  }
  const { target } = request;
  const from = { target: target.name, task: caller?.taskId ?? '' };
  whole = mapTexts(whole, (text) => leases.hide(from, text)) as JsonObject;
  if (action !== undefined && chain !== undefined && recordId !== undefined) {
    whole = await leases.screen(whole, { action, chain, decision: recordId });
  }
  const headers = whole['headers'] as Record<string, string>;
  return {
    status: answer.status,
    headers: Object.entries(headers),
    // What was no UTF-8 comes out as it was, unless there was something to hide in it.
    body: whole['body'] === shown['body'] ? answer.body : Buffer.from(whole['body'] as string),
  };
}

/** RFC 9110, section 5.3: fields of one name are one, so that nothing of the others is passed over. */
function combined(headers: WholeAnswer['headers']): WholeAnswer['headers'] {
  const byName = new Map<string, string>();
  for (const [name, value] of headers) {
    const before = byName.get(name);
    byName.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return [...byName];
}

/** Where pointers lead: `/body/…`, `/headers/…` and `/status` by place, and anything else into the body. */
function placesOf({ status, headers, body }: WholeAnswer): JsonValue | undefined {
  const byPlace: JsonObject = { status, headers: Object.fromEntries(headers) };
  try {
    const parsed = JSON.parse(Buffer.from(body).toString('utf8')) as JsonValue;
    return { ...(isJsonObject(parsed) ? parsed : {}), ...byPlace, body: parsed };
  } catch {
    return byPlace;
  }
}

function withheld(detail: string): WholeAnswer {
  const answer = problemAnswer({ code: 'withheld', title: 'Answer withheld', status: 502, detail });
  if (answer.kind !== 'whole') throw new Error('a problem is answered whole');
  return { status: answer.status, headers: Object.entries(answer.headers), body: Buffer.from(answer.body) };
}

import { Conflict, UpstreamFailed, UpstreamTimeout } from '../../core/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';
import type { CredentialUse } from '../../credential/credential.ts';
import { stripOf } from '../../credential/strip.ts';
import type { Said, TargetCaller } from '../../lease/target-call.ts';
import type { ApiOperation, ApiTarget } from './api-target.ts';
import type { Inject } from './inject.ts';
import type { Upstreams } from './upstream.ts';

const MAX_TEXT = 500;
const MAX_ANSWER = 1024 * 1024;

export type OwnCallerParts = {
  target: ApiTarget;
  upstreams: Upstreams;
  inject: Inject;
  /** For whom the credential is used. */
  bearer: Pick<CredentialUse, 'task' | 'agent' | 'delegator'>;
};

/** Calls of Remit's own at an HTTP target: to take back what a task has minted, and to ask what there is. */
export function openHttpCaller({ target, upstreams, inject, bearer }: OwnCallerParts): TargetCaller {
  async function call(name: string, args: JsonObject): Promise<Said> {
    const operation = target.operations.get(name);
    if (operation === undefined) throw new Conflict(`\`${name}\` is not an operation of \`${target.name}\` any more`);
    const signal = AbortSignal.timeout(target.config.timeoutMs);
    const { method, path, headers, body } = requestOf(operation, args);
    const departing = { method, url: target.origin + target.basePath + path, headers, body };
    const use = { ...bearer, target: target.name, policySet: null, signal };
    const departed = await inject(departing, target.config, use);
    const answer = await upstreams
      .of(target, departed.tls)
      .request({
        method: method as 'POST',
        path: departed.url.slice(target.origin.length),
        headers: departed.headers,
        body: departed.body,
        signal,
      })
      .catch((cause: unknown) => {
        throw signal.aborted
          ? new UpstreamTimeout('the target does not answer', { cause })
          : new UpstreamFailed('the target cannot be reached', { cause });
      });
    const status = answer.statusCode;
    if (status === 401 || status === 407) departed.onRefused();
    const text = stripOf(departed.secrets).text(await readText(answer.body));
    if (status >= 200 && status < 300) return { said: 'done', answer: placesOf(status, text) };
    return {
      said: 'refused',
      text: `status ${status}: ${text}`.slice(0, MAX_TEXT),
      gone: status === 404 || status === 410,
    };
  }
  return { call, close: async () => {} };
}

async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_ANSWER) throw new UpstreamFailed('the target answered with too much');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function placesOf(status: number, text: string): JsonValue {
  try {
    const parsed = JSON.parse(text) as JsonValue;
    return { ...(isJsonObject(parsed) ? parsed : {}), status, body: parsed };
  } catch {
    return { status };
  }
}

type Request = { method: string; path: string; headers: Record<string, string>; body: Uint8Array | null };

/** @throws Conflict when the arguments are not those of the operation. */
function requestOf(operation: ApiOperation, args: JsonObject): Request {
  const place = (name: string): JsonObject => {
    const given = args[name];
    if (given === undefined) return {};
    if (isJsonObject(given)) return given;
    throw new Conflict(`\`${name}\` of the arguments for \`${operation.name}\` is not an object`);
  };
  const path = operation.path.replace(/\{(\+?)([^{}]+)\}/g, (_, rest: string, name: string) => {
    const text = scalar(place('path')[name], operation, `path.${name}`);
    const parts = rest === '' ? [text] : text.split('/');
    if (parts.some((part) => part === '' || part === '.' || part === '..')) {
      throw new Conflict(`\`path.${name}\` for \`${operation.name}\` would lead elsewhere`);
    }
    return parts.map(encodeURIComponent).join('/');
  });
  const query = Object.entries(place('query')).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(scalar(value, operation, `query.${name}`))}`,
  );
  const headers = Object.fromEntries(
    Object.entries(place('headers')).map(([name, value]) => [
      name.toLowerCase(),
      scalar(value, operation, `headers.${name}`),
    ]),
  );
  const body = bodyOf(operation, args['body']);
  return {
    method: operation.method,
    path: query.length === 0 ? path : `${path}?${query.join('&')}`,
    headers: { accept: 'application/json', ...headers, 'accept-encoding': 'identity', ...body.headers },
    body: body.bytes,
  };
}

function bodyOf(
  operation: ApiOperation,
  body: JsonValue | undefined,
): { headers: Record<string, string>; bytes: Uint8Array | null } {
  if (body === undefined) return { headers: {}, bytes: null };
  if (operation.body === 'json') {
    return { headers: { 'content-type': 'application/json' }, bytes: Buffer.from(JSON.stringify(body)) };
  }
  if (operation.body === 'form' && isJsonObject(body)) {
    const fields = Object.entries(body).map(([name, value]): [string, string] => [
      name,
      scalar(value, operation, `body.${name}`),
    ]);
    const type = 'application/x-www-form-urlencoded';
    return { headers: { 'content-type': type }, bytes: Buffer.from(new URLSearchParams(fields).toString()) };
  }
  throw new Conflict(`\`${operation.name}\` takes no such body`);
}

function scalar(value: JsonValue | undefined, { name }: ApiOperation, where: string): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new Conflict(`\`${where}\` is missing in the arguments for \`${name}\``);
}

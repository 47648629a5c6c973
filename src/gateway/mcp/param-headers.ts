import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';
import type { InboundCall } from './request.ts';
import type { HeaderDeclaration } from './seen-definitions.ts';
import type { Channel } from './upstream/channel.ts';

/** The `x-mcp-header` annotations of a tool's input schema (2026-07-28): of properties, at any depth. */
export function headerDeclarations(schema: JsonValue | undefined): HeaderDeclaration[] {
  const found: HeaderDeclaration[] = [];
  const pending: { node: JsonValue | undefined; path: string[] }[] = [{ node: schema, path: [] }];
  while (pending.length > 0) {
    const { node, path } = pending.pop()!;
    if (!isJsonObject(node)) continue;
    const name = node['x-mcp-header'];
    if (path.length > 0 && typeof name === 'string' && /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) {
      found.push({ path, name });
    }
    const properties = node['properties'];
    if (!isJsonObject(properties)) continue;
    for (const [key, child] of Object.entries(properties)) pending.push({ node: child, path: [...path, key] });
  }
  return found;
}

/** What of the arguments of a call its headers have to repeat, by the definition that its channel has seen. */
export function declaredHeaders(
  { revision, message }: Pick<InboundCall, 'revision' | 'message'>,
  { seen }: Pick<Channel, 'seen'>,
): readonly HeaderDeclaration[] {
  const name = message.method === 'tools/call' && revision === 'stateless' ? message.params?.['name'] : undefined;
  return typeof name === 'string' ? (seen.byOperation.get(name)?.headers ?? []) : [];
}

/** Why the headers do not repeat the body, or `null` when they do. */
export function paramHeaderMismatch(
  declarations: readonly HeaderDeclaration[],
  args: JsonObject,
  headers: Headers,
): string | null {
  for (const { path, name } of declarations) {
    const value = valueAt(args, path);
    const header = `Mcp-Param-${name}`;
    const sent = headers.get(header);
    if (value === undefined || value === null || typeof value === 'object') {
      if (sent !== null) return `the \`${header}\` header repeats nothing: argument \`${path.join('.')}\` is not there`;
      continue;
    }
    if (sent === null) return `argument \`${path.join('.')}\` is not repeated in the \`${header}\` header`;
    const decoded = decodeHeaderValue(sent);
    if (decoded === null) return `the \`${header}\` header is not valid Base64`;
    const same =
      typeof value === 'number' && isDecimal(decoded) ? Number(decoded) === value : decoded === String(value);
    if (!same) return `the \`${header}\` header differs from argument \`${path.join('.')}\``;
  }
  return null;
}

/** The headers that repeat arguments, as a client has to send them. */
export function paramHeaders(declarations: readonly HeaderDeclaration[], args: JsonObject): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { path, name } of declarations) {
    const value = valueAt(args, path);
    if (value === undefined || value === null || typeof value === 'object') continue;
    headers[`mcp-param-${name.toLowerCase()}`] = encodeHeaderValue(String(value));
  }
  return headers;
}

function valueAt(args: JsonObject, path: readonly string[]): JsonValue | undefined {
  let node: JsonValue | undefined = args;
  for (const key of path) {
    if (!isJsonObject(node) || !Object.hasOwn(node, key)) return undefined;
    node = node[key];
  }
  return node;
}

function isDecimal(text: string): boolean {
  return /^-?\d+(\.\d+)?$/.test(text);
}

/** 2026-07-28, "Value Encoding": plain text, or UTF-8 as `=?base64?…?=`. `null` when that is not canonical. */
export function decodeHeaderValue(value: string): string | null {
  const text = value.replace(/^[ \t]+|[ \t]+$/g, '');
  if (!text.startsWith('=?base64?') || !text.endsWith('?=')) return text;
  const encoded = text.slice('=?base64?'.length, -'?='.length);
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.toString('base64') !== encoded) return null;
  const decoded = bytes.toString('utf8');
  return Buffer.from(decoded, 'utf8').equals(bytes) ? decoded : null;
}

/** The way back: what is not plain text of ASCII, or could be taken for something encoded, is encoded. */
export function encodeHeaderValue(text: string): string {
  if (/^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/.test(text) && !text.startsWith('=?base64?')) return text;
  return `=?base64?${Buffer.from(text, 'utf8').toString('base64')}?=`;
}

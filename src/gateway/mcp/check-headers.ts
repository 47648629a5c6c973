import { classifyInboundRequest } from '@modelcontextprotocol/server';
import { jsonAnswer, type McpAnswer } from './answer.ts';
import { RPC, rpcError, type Message, type MessageId } from './message.ts';
import { methodOf, STATELESS_VERSION, type Revision } from './methods.ts';
import { decodeHeaderValue } from './param-headers.ts';

/** Which revision a POST speaks, by its body; refused when headers and body disagree (2026-07-28, "Standard Headers"). */
export function checkHeaders(request: Request, read: Message): { revision: Revision } | { refused: McpAnswer } {
  const { headers } = request;
  const id = read.kind === 'request' ? read.message.id : null;
  const classified = classifyInboundRequest({
    httpMethod: 'POST',
    protocolVersionHeader: headers.get('mcp-protocol-version') ?? undefined,
    mcpMethodHeader: headers.get('mcp-method') ?? undefined,
    mcpNameHeader: headers.get('mcp-name') ?? undefined,
    body: read.message,
  });
  if (classified.kind === 'reject') {
    const { httpStatus, code, message, data } = classified;
    return { refused: jsonAnswer(httpStatus, rpcErrorWith(id, code, message, data)) };
  }
  if (classified.kind === 'legacy') return { revision: 'session' };
  const { revision } = classified.classification;
  if (revision !== STATELESS_VERSION) {
    const data = { supported: [STATELESS_VERSION], requested: revision ?? null };
    const message = `protocol version \`${revision ?? ''}\` is not supported`;
    return { refused: jsonAnswer(400, rpcError(id, RPC.unsupportedVersion, message, data)) };
  }
  const mismatch = read.kind === 'request' ? standardHeaderMismatch(headers, read) : null;
  if (mismatch !== null) return { refused: headerMismatch(id, mismatch) };
  return { revision: 'stateless' };
}

export function headerMismatch(id: MessageId | null, problem: string): McpAnswer {
  return jsonAnswer(400, rpcError(id, RPC.headerMismatch, problem));
}

/** Presence of the required headers, and agreement of `Mcp-Name`; the classifier has compared those that are there. */
function standardHeaderMismatch(headers: Headers, { message }: Message & { kind: 'request' }): string | null {
  for (const required of ['MCP-Protocol-Version', 'Mcp-Method']) {
    if (headers.get(required) === null) return `the \`${required}\` header is missing`;
  }
  const method = methodOf(message.method, 'stateless');
  if (method?.kind !== 'operation') return null;
  const named = message.params?.[method.named];
  const sent = headers.get('mcp-name');
  if (sent === null) {
    return named === undefined ? null : `the \`Mcp-Name\` header is missing; it repeats \`params.${method.named}\``;
  }
  const decoded = decodeHeaderValue(sent);
  if (decoded === null) return 'the `Mcp-Name` header is not valid Base64';
  return decoded === named ? null : `the \`Mcp-Name\` header differs from \`params.${method.named}\``;
}

function rpcErrorWith(id: MessageId | null, code: number, message: string, data: unknown) {
  return { jsonrpc: '2.0', id, error: { code, message, ...(data === undefined ? {} : { data: data as null }) } };
}

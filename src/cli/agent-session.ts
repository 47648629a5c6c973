import { InvalidRequest } from '../core/errors.ts';
import type { WorkloadClient } from '../identity/workload-client.ts';
import {
  DpopKey,
  failureOf,
  requestToken,
  sendBound,
  TokenCache,
  type BoundFetch,
  type IssuedToken,
} from './bound-tokens.ts';

/** An agent's access to Remit: its own API, and the targets of one task. */
export interface AgentSession {
  fetch: BoundFetch;
  /** The access token for a resource (`<remit>/v1`, or `<remit>/mcp/<target>` and the like for other protocols). */
  token(resource: string): Promise<string>;
  /** The headers that prove who makes one request to `url`, for who sends it by other means than `fetch`. */
  prove(method: string, url: string): Promise<{ authorization: string; dpop: string }>;
  /** What an answer to such a request wants the next proofs to hold (`DPoP-Nonce`). */
  heard(nonce: string): void;
}

/**
 * Opens a session with a key of its own. Tokens are obtained when first needed: for Remit's API with the agent's
 * JWT-SVID as client assertion, for a target by exchange of the task token with the SVID as actor (RFC 8693).
 */
export async function openAgentSession(options: {
  /** Without a trailing slash. */
  remitUrl: string;
  workload: WorkloadClient;
  taskId?: string;
}): Promise<AgentSession> {
  const { remitUrl, workload, taskId } = options;
  const key = await DpopKey.generate();
  const api = `${remitUrl}/v1`;
  // The cache asks for the API's own token while it obtains one for a target.
  const tokens: TokenCache = new TokenCache((resource) => (resource === api ? apiToken() : taskToken(resource)));

  async function apiToken(): Promise<IssuedToken> {
    const { svid } = await workload.fetchJwtSvid(remitUrl);
    return requestToken(
      remitUrl,
      {
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe',
        client_assertion: svid,
        resource: api,
      },
      key,
    );
  }

  async function taskToken(resource: string): Promise<IssuedToken> {
    if (taskId === undefined) throw new InvalidRequest('access to a target needs a task; name one with --task');
    const response = await sendBound({ url: `${api}/tasks/${taskId}`, init: {}, resource: api }, { key, tokens });
    if (!response.ok) throw await failureOf(response);
    const { subject_token: subjectToken } = (await response.json()) as { subject_token?: string };
    if (subjectToken === undefined) throw new InvalidRequest(`task \`${taskId}\` is not active, or is another agent's`);
    const { svid } = await workload.fetchJwtSvid(remitUrl);
    return requestToken(
      remitUrl,
      {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: subjectToken,
        subject_token_type: 'urn:remit:params:oauth:token-type:task',
        actor_token: svid,
        actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        resource,
      },
      key,
    );
  }

  return {
    token: (resource) => tokens.get(resource),
    heard: (nonce) => key.heard(nonce),
    prove: async (method, url) => {
      const token = await tokens.get(resourceOf(url, remitUrl));
      return { authorization: `DPoP ${token}`, dpop: await key.proof(method, url, token) };
    },
    fetch: async (url, init = {}) => {
      const text = String(url);
      return sendBound({ url: text, init, resource: resourceOf(text, remitUrl) }, { key, tokens });
    },
  };
}

/** The resource (RFC 8707) that a URL belongs to. */
function resourceOf(url: string, remitUrl: string): string {
  const path = url.startsWith(`${remitUrl}/`) ? new URL(url).pathname : '';
  if (path.startsWith('/v1/')) return `${remitUrl}/v1`;
  // An MCP target is one URL, and others have more below their own.
  const target = /^(?:\/mcp\/[^/]+$|\/(?:http|authzen)\/[^/]+(?=\/|$))/.exec(path)?.[0];
  if (target === undefined) throw new InvalidRequest(`\`${url}\` is not a resource of \`${remitUrl}\``);
  return `${remitUrl}${target}`;
}

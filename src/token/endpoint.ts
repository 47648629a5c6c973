import {
  InvalidAuthorizationDetails,
  InvalidClient,
  InvalidGrant,
  InvalidRequest,
  InvalidTarget,
  InvalidToken,
  UnsupportedGrantType,
} from '../core/errors.ts';
import type { Grant } from '../core/grant.ts';
import type { Agent } from '../core/party.ts';
import { hasEnded, notLive } from '../core/task.ts';
import type { DpopVerifier } from '../identity/dpop.ts';
import type { IdTokenVerifier } from '../identity/id-token.ts';
import type { SvidVerifier } from '../identity/jwt-svid.ts';
import type { TaskStore } from '../store/ports.ts';
import { authorize, type AuthorizeParts } from '../task/authorize.ts';
import { grantsForm, parseGrants, type Catalogue } from '../task/task-request.ts';
import { issueAccessToken, type AccessTokenParts, type TokenSubject } from './access-token.ts';
import { readForm, type TokenForm } from './form.ts';
import { TASK_TOKEN_TYPE, verifyTaskToken } from './task-token.ts';

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const JWT_SPIFFE = 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe';
export const ID_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:id_token';
export const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt';
export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';

export type TokenEndpointParts = AuthorizeParts &
  AccessTokenParts & {
    dpop: DpopVerifier;
    svids: SvidVerifier;
    idTokens: IdTokenVerifier;
    tasks: Pick<TaskStore, 'chain'>;
    catalogue: Catalogue;
    lifetimeSeconds: number;
  };

export type TokenRequest = { headers: Headers; contentType: string; body: string; request: string };

/** RFC 6749, section 5.1, and RFC 8693, section 2.2.1. */
export type TokenResponse = {
  access_token: string;
  issued_token_type: string;
  token_type: 'DPoP';
  expires_in: number;
  authorization_details?: Grant[];
};

/** What the checks have found so far. Each check fills in its part or throws. */
type Exchange = {
  readonly http: TokenRequest;
  form: TokenForm;
  jkt: string;
  resource: { audience: string; target: string | null };
  subject: TokenSubject;
  /** Milliseconds since the epoch; the token lives no longer. */
  notAfter: number;
};
type Check = (exchange: Exchange, parts: TokenEndpointParts) => void | Promise<void>;

/** The token endpoint: its checks, in order. */
const CHECKS: readonly [name: string, check: Check][] = [
  ['form', checkForm],
  ['proof', checkProof],
  ['resource', checkResource],
  ['grant', checkGrant],
  ['details', checkDetails],
];

/**
 * RFC 8693 token exchange, and client credentials by JWT-SVID. Every token is bound to the key of the request's proof.
 *
 * @throws InvalidRequest, InvalidDpopProof, InvalidTarget, InvalidClient, InvalidGrant, InvalidAuthorizationDetails,
 *   UnsupportedGrantType, and Forbidden when policy does not permit the issue.
 */
export async function exchangeToken(http: TokenRequest, parts: TokenEndpointParts): Promise<TokenResponse> {
  const exchange = { http } as Exchange;
  for (const [, check] of CHECKS) await check(exchange, parts);
  const { subject, resource } = exchange;
  const record = await authorize(
    {
      agent: subject.kind === 'person' ? null : subject.agent,
      delegator: subject.kind === 'agent' ? null : subject.kind === 'person' ? subject.person : subject.task.delegator,
      token: null,
      request: http.request,
    },
    {
      operation: 'token.issue',
      resources: [`token:${resource.audience}`],
      arguments: { audience: resource.audience, key: exchange.jkt },
      ...(subject.kind === 'task' ? { chain: parts.tasks.chain(subject.task.id) } : {}),
    },
    parts,
  );
  await parts.log.append([record]);
  const expiresAt = Math.min(parts.clock() + parts.lifetimeSeconds * 1000, exchange.notAfter);
  const { accessToken, expiresIn } = await issueAccessToken(
    { subject, audience: resource.audience, jkt: exchange.jkt, expiresAt },
    parts,
  );
  return {
    access_token: accessToken,
    issued_token_type: ACCESS_TOKEN_TYPE,
    token_type: 'DPoP',
    expires_in: expiresIn,
    ...(subject.kind === 'task' ? { authorization_details: subject.grants } : {}),
  };
}

function checkForm(exchange: Exchange): void {
  exchange.form = readForm(exchange.http.contentType, exchange.http.body);
}

async function checkProof(exchange: Exchange, parts: TokenEndpointParts): Promise<void> {
  const proof = exchange.http.headers.get('dpop');
  const { jkt } = await parts.dpop.verify({
    proofs: proof === null ? [] : proof.split(','),
    method: 'POST',
    url: `${parts.issuer}/token`,
  });
  exchange.jkt = jkt;
}

/** RFC 8707: exactly one resource, and one that exists. */
function checkResource(exchange: Exchange, parts: TokenEndpointParts): void {
  const { resource, audience } = exchange.form;
  if (resource === undefined) throw new InvalidTarget('name one `resource`');
  if (audience !== undefined) throw new InvalidTarget('use `resource`, not `audience`');
  if (resource === `${parts.issuer}/v1`) {
    exchange.resource = { audience: resource, target: null };
    return;
  }
  const target = resource.startsWith(`${parts.issuer}/mcp/`) ? resource.slice(`${parts.issuer}/mcp/`.length) : '';
  if (target === '' || parts.catalogue.operations(target) === undefined) {
    throw new InvalidTarget('the `resource` is not one of this server');
  }
  exchange.resource = { audience: resource, target };
}

async function checkGrant(exchange: Exchange, parts: TokenEndpointParts): Promise<void> {
  const { form } = exchange;
  switch (form.grant_type) {
    case 'client_credentials':
      return agentGrant(exchange, parts);
    case TOKEN_EXCHANGE:
      if (form.requested_token_type !== undefined && form.requested_token_type !== ACCESS_TOKEN_TYPE) {
        throw new InvalidRequest('`requested_token_type`: only access tokens are issued');
      }
      if (form.subject_token_type === TASK_TOKEN_TYPE) return taskGrant(exchange, parts);
      if (form.subject_token_type === ID_TOKEN_TYPE) return personGrant(exchange, parts);
      throw new InvalidRequest(`\`subject_token_type\`: expected \`${TASK_TOKEN_TYPE}\` or \`${ID_TOKEN_TYPE}\``);
    case undefined:
      throw new InvalidRequest('`grant_type` is missing');
    default:
      throw new UnsupportedGrantType('the grant type is not supported');
  }
}

/** An agent for itself, at Remit's own API: its JWT-SVID as client assertion (draft-ietf-oauth-spiffe-client-auth-02). */
async function agentGrant(exchange: Exchange, parts: TokenEndpointParts): Promise<void> {
  const { form, resource } = exchange;
  if (form.client_assertion_type !== JWT_SPIFFE || form.client_assertion === undefined) {
    throw new InvalidClient(`authenticate with \`client_assertion_type\` \`${JWT_SPIFFE}\` and a JWT-SVID`);
  }
  if (resource.target !== null) throw new InvalidTarget('access to a target needs a task; exchange its task token');
  const { agent, expiresAt } = await svid(form.client_assertion, parts, InvalidClient);
  if (form.client_id !== undefined && form.client_id !== agent.id)
    throw new InvalidClient('`client_id` is another workload');
  exchange.subject = { kind: 'agent', agent };
  exchange.notAfter = expiresAt;
}

/** A person, at Remit's own API: an ID token of a configured provider for a token that is bound to their key. */
async function personGrant(exchange: Exchange, parts: TokenEndpointParts): Promise<void> {
  const { form, resource } = exchange;
  if (form.subject_token === undefined) throw new InvalidRequest('`subject_token` is missing');
  if (form.actor_token !== undefined)
    throw new InvalidRequest('an agent acts for a person under a task; use its task token');
  if (resource.target !== null) throw new InvalidTarget('access to a target needs a task; request one for an agent');
  const { delegator, expiresAt } = await parts.idTokens.verify(form.subject_token).catch((cause: unknown) => {
    throw cause instanceof InvalidToken ? new InvalidGrant('the ID token is not valid here', { cause }) : cause;
  });
  exchange.subject = { kind: 'person', person: delegator };
  exchange.notAfter = expiresAt;
}

/** An agent for a task, at one target. INVARIANT 1: the agent proves itself, and is the one that the task names. */
async function taskGrant(exchange: Exchange, parts: TokenEndpointParts): Promise<void> {
  const { form, resource } = exchange;
  if (form.subject_token === undefined) throw new InvalidRequest('`subject_token` is missing');
  // RFC 8693, section 1.1: without an actor this would be impersonation.
  if (form.actor_token === undefined)
    throw new InvalidRequest('`actor_token` is missing; an agent acts as itself, with its JWT-SVID');
  if (form.actor_token_type !== JWT_TYPE) throw new InvalidRequest(`\`actor_token_type\`: expected \`${JWT_TYPE}\``);
  if (resource.target === null)
    throw new InvalidTarget('a task token is for a target; use client credentials for the API');
  const { taskId, mayAct } = await verifyTaskToken(form.subject_token, parts);
  const { agent, expiresAt } = await svid(form.actor_token, parts, InvalidGrant);
  const chain = parts.tasks.chain(taskId);
  const task = chain[0]?.task;
  if (agent.id !== mayAct || task?.agent.id !== agent.id)
    throw new InvalidGrant('the actor is not the agent of this task');
  const dead = chain.find((view) => notLive(view.task, parts.clock()) !== null)?.task;
  if (dead !== undefined) {
    throw new InvalidGrant(hasEnded(dead.state) ? `the task has ended (${dead.state})` : 'the task is not active now');
  }
  const grants = task.grant.filter((grant) => grant.target === resource.target);
  if (grants.length === 0) throw new InvalidTarget('the task grants nothing at this resource');
  exchange.subject = { kind: 'task', agent, task, root: chain.at(-1)!.task.id, grants };
  exchange.notAfter = Math.min(expiresAt, ...chain.map((view) => view.task.window.expiresAt));
}

/**
 * RFC 9396: a client may ask for less. INVARIANT 3: what it asks for is one more level that every action is checked
 * against, beside the task's own grants, so nothing has to be compared to know that it cannot widen.
 */
function checkDetails(exchange: Exchange, parts: TokenEndpointParts): void {
  const { form, subject, resource } = exchange;
  if (form.authorization_details === undefined) return;
  if (subject.kind !== 'task') throw new InvalidAuthorizationDetails('details are for tokens of a task');
  const parsed = grantsForm.safeParse(parseJson(form.authorization_details));
  if (!parsed.success) throw new InvalidAuthorizationDetails('`authorization_details` is not a list of grants');
  const grants = parseGrants(parsed.data, parts.catalogue);
  if (grants.some((grant) => grant.target !== resource.target)) {
    throw new InvalidAuthorizationDetails('`authorization_details` name another target than the `resource`');
  }
  exchange.subject = { ...subject, grants };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A JWT-SVID is bearer by nature: it is taken here, for our issuer as audience, and nowhere else. */
async function svid(
  token: string,
  parts: TokenEndpointParts,
  Failure: typeof InvalidClient | typeof InvalidGrant,
): Promise<{ agent: Agent; expiresAt: number }> {
  return parts.svids.verifyJwtSvid(token, [parts.issuer]).catch((cause: unknown) => {
    throw cause instanceof InvalidToken ? new Failure('the JWT-SVID is not valid here', { cause }) : cause;
  });
}

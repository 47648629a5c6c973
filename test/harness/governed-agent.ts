import type { McpGateway } from '../../src/gateway/mcp/gateway.ts';
import { readAnswer, requestOf, statelessMessage, type Answer } from '../conformance/mcp-client.ts';
import { ISSUER, subjectToken, type ControlPlane, type Session } from '../fixtures/control-plane.ts';

/** An agent that calls a target under one task, in the same process, with a token and a proof for each call. */
export type GovernedAgent = {
  call(tool: string, args?: Record<string, unknown>, headers?: Record<string, string>): Promise<Answer>;
  ask(method: string, params?: Record<string, unknown>): Promise<Answer>;
};

export async function governedAgent(
  plane: ControlPlane,
  gateway: McpGateway,
  as: { agent: Session; id: string; task: string; target: string },
): Promise<GovernedAgent> {
  const { agent, task, target } = as;
  const resource = `${ISSUER}/mcp/${target}`;
  const response = await agent.token({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: await subjectToken(agent, task),
    subject_token_type: 'urn:remit:params:oauth:token-type:task',
    actor_token: await plane.svid(as.id),
    actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    resource,
  });
  const { access_token: accessToken } = (await response.json()) as { access_token?: string };
  if (accessToken === undefined) throw new Error('no token');
  const ask: GovernedAgent['ask'] = async (method, params = {}) => send(method, params, {});
  async function send(method: string, params: Record<string, unknown>, more: Record<string, string>): Promise<Answer> {
    const { message, headers } = statelessMessage(method, params);
    const proof = await agent.proof({ method: 'POST', url: resource, accessToken: accessToken! });
    const request = requestOf(target, message, {
      headers: { ...headers, ...more, authorization: `DPoP ${accessToken}`, dpop: proof },
    });
    const url = new Request(resource, request);
    return readAnswer(await gateway.fetch(url, target));
  }
  return { ask, call: (name, args = {}, headers = {}) => send('tools/call', { name, arguments: args }, headers) };
}

import { InvalidToken } from '../../core/errors.ts';
import type { McpParts } from './parts.ts';
import type { McpStep } from './request.ts';

/** Step 1: who calls, by a token for this target that is bound to a key or certificate they have just proven to hold. */
export function authenticateStep(parts: Pick<McpParts, 'authenticate' | 'publicUrl'>): McpStep {
  return {
    name: 'authenticate',
    run: async (exchange) => {
      const { http, peer, target } = exchange.request;
      const audience = `${parts.publicUrl}/mcp/${target.name}`;
      const { method, url, headers } = http;
      exchange.caller = await parts.authenticate(
        { method, url, headers, certificate: peer.certificate?.thumbprint },
        audience,
      );
      if (exchange.caller.taskId === null) {
        throw new InvalidToken('the access token is not for a task; exchange the task token for this resource');
      }
      return undefined;
    },
  };
}

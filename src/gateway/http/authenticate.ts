import { InvalidToken } from '../../core/errors.ts';
import type { HttpParts } from './parts.ts';
import type { HttpStep } from './request.ts';

/** Step 1: who calls, by a token for this target that is bound to a key or certificate they have just proven to hold. */
export function authenticateStep(parts: Pick<HttpParts, 'authenticate' | 'publicUrl'>): HttpStep {
  return {
    name: 'authenticate',
    run: async (exchange) => {
      const { method, at, headers, peer, target } = exchange.request;
      const audience = `${parts.publicUrl}/http/${target.name}`;
      const shown = {
        method,
        // A proof is for the URL without its query (RFC 9449, section 4.2).
        url: `${audience}${at.path}`,
        headers: { get: (name: string) => headers.get(name)?.join(', ') ?? null },
        certificate: peer.certificate?.thumbprint,
      };
      exchange.caller = await parts.authenticate(shown, audience);
      if (exchange.caller.taskId === null) {
        throw new InvalidToken('the access token is not for a task; exchange the task token for this resource');
      }
      return undefined;
    },
  };
}

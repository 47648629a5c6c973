import { decodeJwt } from 'jose';
import { InvalidToken } from '../../core/errors.ts';
import { readTargetPath, targetResource } from '../../core/target-resource.ts';
import type { AskedTarget } from './asked-target.ts';
import type { AuthzenParts } from './parts.ts';
import type { AuthzenStep } from './request.ts';

/**
 * Step 1: who asks, by a token for one AuthZEN target that is bound to a key or certificate they have just proven to hold. Nobody
 * asks for anybody else: what is decided is what the holder of that token may do, under its task.
 */
export function authenticateStep(parts: Pick<AuthzenParts, 'authenticate' | 'publicUrl' | 'targets'>): AuthzenStep {
  return {
    name: 'authenticate',
    run: async (exchange) => {
      const { http, peer, named } = exchange.request;
      const target = named ?? targetOfToken(http.headers.get('authorization'), parts);
      const { method, url, headers } = http;
      const shown = { method, url, headers, certificate: peer.certificate?.thumbprint };
      exchange.caller = await parts.authenticate(shown, audienceOf(target, parts));
      if (target === null || exchange.caller.taskId === null) {
        throw new InvalidToken('the access token is not for a task; exchange the task token for this resource');
      }
      exchange.request.target = target;
      return undefined;
    },
  };
}

/** Without a target there is no token that would do, and whoever shows one is refused as ever. */
function audienceOf(target: AskedTarget | null, { publicUrl }: Pick<AuthzenParts, 'publicUrl'>): string {
  if (target === null) return `${publicUrl}/access/v1`;
  return targetResource(publicUrl, { protocol: 'authzen', name: target.config.name });
}

/** The target that a token says it is for. Nothing is believed of it: the token is verified to be for that target next. */
function targetOfToken(
  authorization: string | null,
  { publicUrl, targets }: Pick<AuthzenParts, 'publicUrl' | 'targets'>,
): AskedTarget | null {
  try {
    const { aud } = decodeJwt(authorization?.split(' ')[1] ?? '');
    if (typeof aud !== 'string' || !aud.startsWith(`${publicUrl}/`)) return null;
    const path = readTargetPath(aud.slice(publicUrl.length));
    return path?.protocol === 'authzen' ? (targets.get(path.name) ?? null) : null;
  } catch {
    return null;
  }
}

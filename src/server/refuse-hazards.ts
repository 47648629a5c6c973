import type { MiddlewareHandler } from 'hono';
import { InvalidRequest } from '../core/errors.ts';
import { findJsonHazard, type JsonValue } from '../core/json.ts';
import type { ControlEnv } from './routes/route.ts';

const MAX_DEPTH = 64;

/**
 * Refuses a JSON body that would be read as another than was sent: the forms of the routes would drop a member named
 * `__proto__` in silence, and a number may have been rounded. What is no JSON is left to the route.
 */
export const refuseHazards: MiddlewareHandler<ControlEnv> = async (c, next) => {
  if (c.req.header('content-type')?.includes('json') === true) {
    const hazard = findJsonHazard(await bodyOf(c.req), { maxDepth: MAX_DEPTH });
    if (hazard !== null) {
      throw new InvalidRequest(`${hazard.path === '' ? 'the body' : `\`${hazard.path}\``} ${hazard.problem}`);
    }
  }
  await next();
};

/** The request keeps what it has read, so the route reads it again. */
async function bodyOf(request: { json: () => Promise<unknown> }): Promise<JsonValue> {
  try {
    return (await request.json()) as JsonValue;
  } catch {
    return null;
  }
}

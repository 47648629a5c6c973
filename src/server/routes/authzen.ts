import { createRoute, z } from '@hono/zod-openapi';
import type { Endpoint } from '../../gateway/authzen/request.ts';
import type { Peer } from '../../identity/peer.ts';
import { targetResource } from '../../core/target-resource.ts';
import type { TargetConfig } from '../../config/config.ts';
import { peerOf } from '../peer-of.ts';
import { problemWire } from '../wire.ts';
import type { ControlApp } from './route.ts';

/** The Authorization API (AuthZEN 1.0) on the wire, for the OpenAPI document: the gateway reads its own bodies. */
const properties = z.record(z.string(), z.unknown()).optional();
const subjectWire = z.looseObject({ type: z.string(), id: z.string(), properties });
const actionWire = z.looseObject({ name: z.string(), properties });
const resourceWire = z.looseObject({ type: z.string(), id: z.string(), properties });
const evaluationWire = z
  .looseObject({ subject: subjectWire, action: actionWire, resource: resourceWire, context: properties })
  .openapi('Evaluation');
const evaluationsWire = evaluationWire
  .partial()
  .extend({
    evaluations: z.array(evaluationWire.partial()).max(100).optional(),
    options: z
      .looseObject({
        evaluations_semantic: z.enum(['execute_all', 'deny_on_first_deny', 'permit_on_first_permit']).optional(),
      })
      .optional(),
  })
  .openapi('Evaluations');
const decisionWire = z.object({ decision: z.boolean(), context: properties }).openapi('EvaluationDecision');
const decisionsWire = z.union([z.object({ evaluations: z.array(decisionWire) }), decisionWire]);

const FORMS = {
  evaluation: {
    summary: 'decide one action that the caller is about to carry out',
    request: evaluationWire,
    answer: decisionWire,
  },
  evaluations: { summary: 'decide up to 100 actions in their order', request: evaluationsWire, answer: decisionsWire },
} as const;

export type AuthzenRouteParts = {
  publicUrl: string;
  targets: ReadonlyMap<string, Pick<TargetConfig, 'kind'>>;
  authzen: (request: Request, at: { endpoint: Endpoint; target: string | null }, peer: Peer) => Promise<Response>;
};

/** The decision point of the whole server, and that of each AuthZEN target: the same but for who says which target it is. */
export function authzenRoutes(app: ControlApp, { authzen }: Pick<AuthzenRouteParts, 'authzen'>): void {
  for (const endpoint of ['evaluation', 'evaluations'] as const) {
    for (const base of ['', '/authzen/{target}']) {
      app.openAPIRegistry.registerPath(documented(endpoint, base));
      app.post(`${base.replace('{target}', ':target')}/access/v1/${endpoint}`, (c) =>
        authzen(c.req.raw, { endpoint, target: c.req.param('target') ?? null }, peerOf(c)),
      );
    }
  }
}

function documented(endpoint: Endpoint, base: string) {
  const { summary, request, answer } = FORMS[endpoint];
  const problem = (description: string) => ({
    description,
    content: { 'application/problem+json': { schema: problemWire } },
  });
  return createRoute({
    method: 'post',
    path: `${base}/access/v1/${endpoint}`,
    summary,
    security: [{ dpop: [] }],
    request: {
      ...(base === '' ? {} : { params: z.object({ target: z.string() }) }),
      body: { required: true, content: { 'application/json': { schema: request } } },
    },
    responses: {
      200: { description: 'decided', content: { 'application/json': { schema: answer } } },
      400: problem('the request is malformed'),
      401: problem('no valid token, or not for an AuthZEN target, or not bound to the caller'),
      413: problem('the request is too large'),
      503: problem('nothing can be recorded now, so nothing is permitted'),
    },
  });
}

/** Section 9: what a decision point says of itself, by its identifier. Without an AuthZEN target there is none. */
export function authzenMetadataRoutes(
  app: ControlApp,
  { publicUrl, targets }: Omit<AuthzenRouteParts, 'authzen'>,
): void {
  app.get('/.well-known/authzen-configuration', (c) => {
    const some = [...targets.values()].some(({ kind }) => kind === 'authzen');
    return some ? c.json(decisionPoint(publicUrl)) : c.notFound();
  });
  app.get('/.well-known/authzen-configuration/authzen/:target', (c) => {
    const name = c.req.param('target');
    if (targets.get(name)?.kind !== 'authzen') return c.notFound();
    return c.json(decisionPoint(targetResource(publicUrl, { protocol: 'authzen', name })));
  });
}

function decisionPoint(identifier: string) {
  return {
    policy_decision_point: identifier,
    access_evaluation_endpoint: `${identifier}/access/v1/evaluation`,
    access_evaluations_endpoint: `${identifier}/access/v1/evaluations`,
  };
}

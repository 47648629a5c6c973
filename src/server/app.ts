import { OpenAPIHono } from '@hono/zod-openapi';
import { bodyLimit } from 'hono/body-limit';
import { etag } from 'hono/etag';
import type { Labels } from '../provenance/labels.ts';
import type { PeopleProvider } from '../config/identity-config.ts';
import { InvalidRequest, NotFound, TooLarge } from '../core/errors.ts';
import type { Refusals } from '../audit/refusals.ts';
import { PROTOCOLS, targetResource } from '../core/target-resource.ts';
import type { Suspensions } from '../ending/suspensions.ts';
import type { Leases } from '../lease/leases.ts';
import type { Peer } from '../identity/peer.ts';
import type { TokenKey } from '../token/signing-key.ts';
import type { Authenticator } from '../token/authenticate.ts';
import { authorizationServerMetadata, protectedResourceMetadata, type Offered } from '../token/metadata.ts';
import { agentRoutes, type AgentRouteParts } from './routes/agents.ts';
import { approvalPage } from './approval-page.ts';
import type { ApprovalRouteParts } from './routes/approvals.ts';
import { approvalRoutes } from './routes/approvals.ts';
import { keyRoutes } from './routes/keys.ts';
import { consentRoutes } from './routes/consents.ts';
import { secretRoutes } from './routes/secrets.ts';
import { labelRoutes } from './routes/labels.ts';
import { leaseRoutes } from './routes/leases.ts';
import { logRoutes } from './routes/log.ts';
import { OAUTH_ENDPOINTS, oauthRoutes, type OAuthRouteParts } from './routes/oauth.ts';
import { policyReviewRoutes } from './routes/policy-review.ts';
import { profileRoutes } from './routes/profiles.ts';
import { policyRoutes } from './routes/policy.ts';
import { revocationRoutes, type RevocationRouteParts } from './routes/revocations.ts';
import type { Policies } from '../policy/publish.ts';
import type { Review } from '../policy/review.ts';
import type { UsageReports } from '../task/usage-report.ts';
import type { Profiles } from '../task/profile/profiles.ts';
import type { KeptSecrets } from '../credential/kept-secrets.ts';
import type { Consents } from '../credential/oauth/consents.ts';
import type { Keys } from '../token/keys.ts';
import { authzenMetadataRoutes, authzenRoutes, type AuthzenRouteParts } from './routes/authzen.ts';
import type { ControlApp, ControlEnv } from './routes/route.ts';
import { usageRoutes } from './routes/usage.ts';
import { suspensionRoutes } from './routes/suspensions.ts';
import { targetEventRoutes } from './routes/target-events.ts';
import { targetRoutes, type TargetRouteParts } from './routes/targets.ts';
import { taskRoutes, type TaskRouteParts } from './routes/tasks.ts';
import { peerOf } from './peer-of.ts';
import { refuseHazards } from './refuse-hazards.ts';
import { recordRefused } from './refused.ts';
import { remitConfiguration } from './remit-configuration.ts';
import { oauthErrorResponse, problemResponse, type FaultLog } from './problem.ts';

export type AppParts = TaskRouteParts &
  AgentRouteParts &
  RevocationRouteParts &
  ApprovalRouteParts &
  TargetRouteParts &
  OAuthRouteParts &
  Pick<AuthzenRouteParts, 'authzen'> & {
    policies: Policies;
    review: Review;
    keys: Keys;
    secrets: KeptSecrets;
    consents: Consents;
    profilesShown: Profiles;
    usage: UsageReports;
    labels: Labels;
    suspensions: Suspensions;
    leases: Leases;
    people: readonly PeopleProvider[];
    tokenKey: TokenKey;
    authenticator: Authenticator;
    checkpoint: () => string | null;
    healthy: () => boolean;
    /** What is wrong while requests are served; empty when nothing is. */
    concerns: () => string[];
    mcp: (request: Request, target: string, peer: Peer) => Promise<Response>;
    /** What the metadata say. */
    offered: Offered;
    refusals: Refusals;
    faults: FaultLog;
    maxBodyBytes: number;
  };

/** The HTTP surface: control plane, token service, metadata, and the mounts of the gateways for MCP and AuthZEN. */
export function createApp(parts: AppParts): ControlApp {
  const { publicUrl, faults } = parts;
  const apiMetadata = `${publicUrl}/.well-known/oauth-protected-resource/v1`;
  const app: ControlApp = new OpenAPIHono<ControlEnv>({
    defaultHook: (result) => {
      if (!result.success) throw new InvalidRequest(describeIssue(result.error.issues[0]));
    },
  });
  app.onError((error, c) => {
    recordRefused(c, error, parts.refusals);
    return OAUTH_ENDPOINTS.has(c.req.path)
      ? oauthErrorResponse(c, error, faults)
      : problemResponse(c, error, { log: faults, resourceMetadata: apiMetadata, publicUrl });
  });
  app.notFound((c) =>
    problemResponse(c, new NotFound('there is nothing at this path'), {
      log: faults,
      resourceMetadata: apiMetadata,
      publicUrl,
    }),
  );
  // Gateways read their own bodies, under a limit of their own.
  app.all('/mcp/:target', (c) => parts.mcp(c.req.raw, c.req.param('target'), peerOf(c)));
  authzenRoutes(app, parts);
  app.use(async (c, next) => {
    await next();
    if (!c.res.headers.has('Cache-Control')) c.header('Cache-Control', 'no-store');
    c.header('X-Content-Type-Options', 'nosniff');
    c.header('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'");
    c.header('Referrer-Policy', 'no-referrer');
  });
  // A policy set of thousands of policies is larger than anything else that is sent here.
  const large = limitOf(parts.maxBodyBytes);
  const small = limitOf(Math.min(parts.maxBodyBytes, 1024 * 1024));
  app.use((c, next) => (TAKES_POLICY_SETS.has(c.req.path) ? large : small)(c, next));
  publicRoutes(app, parts);
  oauthRoutes(app, parts);
  app.use('/v1/*', async (c, next) => {
    const { method, url, headers } = c.req.raw;
    const certificate = peerOf(c).certificate?.thumbprint;
    const caller = await parts.authenticator.authenticate({ method, url, headers, certificate }, `${publicUrl}/v1`);
    const { agent, delegator, token } = caller;
    c.set('asker', { agent, delegator, token, request: parts.newId('req') });
    await next();
  });
  app.use('/v1/*', refuseHazards);
  controlRoutes(app, parts);
  return app;
}

const TAKES_POLICY_SETS = new Set(['/v1/policy/publish', '/v1/policy/check', '/v1/policy/diff']);

function limitOf(maxSize: number) {
  return bodyLimit({
    maxSize,
    onError: () => {
      throw new TooLarge('the request is too large');
    },
  });
}

/** The routes of `/v1`, also used to write the OpenAPI document. */
export function controlRoutes(app: ControlApp, parts: AppParts): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'dpop', {
    type: 'http',
    scheme: 'DPoP',
    description: 'RFC 9449: a sender-constrained access token with a proof for each request',
  });
  taskRoutes(app, parts);
  agentRoutes(app, parts);
  revocationRoutes(app, parts);
  approvalRoutes(app, parts);
  targetRoutes(app, parts);
  targetEventRoutes(app, parts);
  logRoutes(app, parts);
  policyRoutes(app, parts);
  policyReviewRoutes(app, parts);
  keyRoutes(app, parts);
  secretRoutes(app, parts);
  consentRoutes(app, parts);
  profileRoutes(app, parts);
  usageRoutes(app, parts);
  suspensionRoutes(app, parts);
  labelRoutes(app, parts);
  leaseRoutes(app, parts);
}

function publicRoutes(app: ControlApp, parts: AppParts): void {
  const { publicUrl, offered } = parts;
  app.get('/healthz', (c) => {
    if (!parts.healthy()) return c.json({ status: 'unavailable' }, 503);
    const concerns = parts.concerns();
    // Not 503: requests are answered as they should be, and the way out is a request too.
    return c.json(concerns.length === 0 ? { status: 'ok' } : { status: 'degraded', concerns });
  });
  app.get('/approvals/:id', (c) => approvalPage(c, c.req.param('id')));
  app.get('/openapi.json', (c) => c.json(openApiDocument(app)));
  app.get('/jwks', etag(), (c) => {
    c.header('Cache-Control', `public, max-age=${parts.tokenKey.rememberSeconds}`);
    return c.json({ keys: parts.tokenKey.publicJwks() });
  });
  app.get('/.well-known/oauth-authorization-server', (c) => c.json(authorizationServerMetadata(publicUrl, offered)));
  app.get('/.well-known/remit-configuration', (c) => c.json(remitConfiguration(publicUrl, parts.people)));
  app.get('/.well-known/oauth-protected-resource/v1', (c) =>
    c.json(protectedResourceMetadata(publicUrl, `${publicUrl}/v1`, offered)),
  );
  authzenMetadataRoutes(app, parts);
  for (const protocol of PROTOCOLS) {
    app.get(`/.well-known/oauth-protected-resource/${protocol}/:target`, (c) => {
      const name = c.req.param('target');
      if (parts.targets.get(name)?.kind !== protocol) return c.notFound();
      return c.json(protectedResourceMetadata(publicUrl, targetResource(publicUrl, { protocol, name }), offered));
    });
  }
}

/** The OpenAPI 3.1 document of the control plane. */
export function openApiDocument(app: ControlApp): object {
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'Remit control plane', version: '0.1.0', license: { name: 'Apache-2.0' } },
  });
}

function describeIssue(issue: { path: PropertyKey[]; message: string } | undefined): string {
  if (issue === undefined) return 'the request is malformed';
  const field = issue.path.length === 0 ? 'the body' : `\`${issue.path.join('.')}\``;
  return `${field}: ${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}`;
}

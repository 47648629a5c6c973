/** Control plane and gateway around one store and one policy set. */
import { join } from 'node:path';
import type { Logger } from 'pino';
import { recordForm } from '../server/record-form.ts';
import { createAgents } from '../agent/agents.ts';
import { createApprovals } from '../approval/approvals.ts';
import { createStandingAnswers } from '../approval/standing.ts';
import type { Refusals } from '../audit/refusals.ts';
import type { Tree } from '../audit/tree.ts';
import type { Config, SecretSource } from '../config/config.ts';
import { readSecret } from '../config/read-secret.ts';
import type { CheckArguments } from '../core/grant.ts';
import type { FailPoint } from '../ending/fail-point.ts';
import { createDecideAgain } from '../ending/decide-again.ts';
import { createHalt } from '../ending/halt.ts';
import { createSuspensions } from '../ending/suspensions.ts';
import { createLiveWork } from '../gateway/live.ts';
import type { McpGateway } from '../gateway/mcp/gateway.ts';
import type { KeySeal } from '../keys/key-seal.ts';
import { openSealingKeys } from '../keys/sealing-keys.ts';
import { createLeases } from '../lease/leases.ts';
import type { LeasePoint } from '../lease/fail-point.ts';
import type { Referee } from '../pdp/referee/referee.ts';
import type { InForce } from '../policy/in-force.ts';
import { createPolicies } from '../policy/publish.ts';
import { createReview } from '../policy/review.ts';
import { createLabels } from '../provenance/labels.ts';
import { createRevocationFeed } from '../revocation/feed.ts';
import { createApp } from '../server/app.ts';
import type { Store } from '../store/ports.ts';
import type { Task } from '../core/task.ts';
import { stepOutsideEnd } from '../task/end.ts';
import { createLifecycle } from '../task/lifecycle.ts';
import { createUsageReports } from '../task/usage-report.ts';
import { createProfiles } from '../task/profile/profiles.ts';
import { createTellTarget } from '../telemetry/tell-target.ts';
import { createAuthenticator, type HttpRequest } from '../token/authenticate.ts';
import { audiencesOf } from '../token/audiences.ts';
import { createKeys } from '../token/keys.ts';
import { registrationNames, type OpenAgentRegistry } from './agents.ts';
import { openCredentials } from './credentials.ts';
import { clock, event, newId, sha256 } from './process.ts';
import { openHttpGateway } from './http-gateway.ts';
import { openAuthzenGateway } from './authzen-gateway.ts';
import { openMcpGateway } from './mcp-gateway.ts';
import { openCloser } from './endings.ts';
import { openIdentity } from './identity.ts';
import { openTokenKey } from './keys.ts';
import { openTaskSources } from './task-sources.ts';
import { openLeases } from './leases.ts';
import type { OpenTrustBundles } from './trust-bundles.ts';
import { LONGEST_TOKEN_MS } from './revocations.ts';
import { concernsOf } from './referee.ts';
import { openProfiles, taskCatalogue } from './profiles.ts';
import { currentCatalogue } from './policy-findings.ts';

/** What is open before. */
export type Opened = {
  store: Store;
  seal: KeySeal;
  tree: Tree;
  log: Logger;
  bootedAt: number;
  bundles: OpenTrustBundles;
  registry: OpenAgentRegistry;
  inForce: InForce;
  referee: Referee;
  checkArguments: CheckArguments;
  refusals: Refusals;
  failPoint: FailPoint & LeasePoint;
};

export async function openControlPlane(config: Config, opened: Opened) {
  const { store, seal, tree, log, bundles, registry, inForce, referee, checkArguments, refusals, failPoint } = opened;
  const pdp = inForce.current;
  const { publicUrl } = config.server;
  const skewSeconds = config.clockSkewSeconds;
  const issuer = publicUrl;
  const targets = new Map(config.targets.map((target) => [target.name, target]));
  const key = await openTokenKey(config, { store, seal, event, clock });
  const identity = openIdentity(config, { bundles, registry, clock, bootedAt: opened.bootedAt });
  const fresh = () => store.healthy();
  const halt = createHalt(store.suspension);
  const suspension = halt.find;
  const decided = { log: store, pdp, referee, fresh, suspension, clock, newId, sha256 };
  const isLive = (id: string) => {
    const chain = store.chain(id);
    return chain.length > 0 && chain.every(({ task }) => task.state === 'active');
  };
  const live = createLiveWork({
    isLive,
    isRevoked: (id) => store.isTokenRevoked(id),
    isSuspended: (target) => suspension('target', target) !== undefined,
  });
  const onProblem = (error: unknown, about: string) => log.error({ err: error }, about);
  const sealingKeys = await openSealingKeys(join(config.dataDir, 'keys', 'sealing.jwk'), seal);
  const { sources, promptSeal } = openTaskSources(config, { store, keys: sealingKeys, onProblem });
  const lifecycle = createLifecycle({
    ...decided,
    store,
    agents: registry,
    limits: config.tasks,
    calling: () => live.calling(),
    failPoint,
    approvalLifetimeMs: config.approvals.lifetimeSeconds * 1000,
    sealPrompt: (task, text) => promptSeal.seal(task, text),
  });
  lifecycle.onEnded((tasks) => tasks.forEach(({ id }) => sources.forget(id)));
  const catalogue = taskCatalogue(config);
  const profiles = openProfiles(config);
  const tokenParts = { key, issuer, clock, newId, skewSeconds };
  const authenticator = createAuthenticator({ ...tokenParts, ...identity, tasks: store, revoked: store });

  const credentials = openCredentials(config, {
    decided,
    store,
    keys: sealingKeys,
    key,
    isLive,
    env: process.env,
    onProblem,
  });
  const leases = await openLeases({
    store,
    targets,
    keys: sealingKeys,
    clock,
    newId,
    failPoint,
    log,
    openCaller: async (target, { task: id }) => {
      // As for the task that has minted it: some credentials are the delegator's own.
      const bearer = { task: id, agent: null, delegator: store.task(id)?.delegator ?? null };
      return targets.get(target)?.kind === 'http'
        ? httpGateway.openCaller(target, bearer)
        : gateway.openCaller(target, bearer);
    },
  });
  const enforcement = {
    targets,
    publicUrl,
    authenticate: (request: HttpRequest, audience: string) => authenticator.authenticate(request, audience),
    steps: {
      ...decided,
      store,
      sources,
      leases: leases.ledger,
      approvalLifetimeMs: config.approvals.lifetimeSeconds * 1000,
      endAutomated: (task: Task, why: string) => lifecycle.endUnasked(task, stepOutsideEnd(why)).then(() => undefined),
      onFault: (error: unknown, about: string) => log.error({ err: error }, about),
    },
    live,
    tellTarget: createTellTarget({ key, issuer, clock, sha256 }),
    credential: (target: string) => credentials.of(target),
    readSecret: (source: SecretSource) => readSecret(source, process.env),
    log,
    maxBodyBytes: config.server.maxBodyBytes,
  };
  const gateway: McpGateway = openMcpGateway({
    ...enforcement,
    refused: ({ target, ...refusal }) => refusals.refused({ at: `/mcp/${target}`, ...refusal }),
  });
  const httpGateway = openHttpGateway({
    ...enforcement,
    refused: ({ target, ...refusal }) => refusals.refused({ at: `/http/${target}`, ...refusal }),
  });
  const authzen = openAuthzenGateway({
    ...enforcement,
    refused: ({ target, ...refusal }) =>
      refusals.refused({ at: target === null ? '/access/v1' : `/authzen/${target}`, ...refusal }),
  });
  const closer = openCloser({
    store,
    live,
    targetTokens: credentials.tokens,
    cleanUp: leases.cleanUp,
    clock,
    newId,
    failPoint,
    log,
  });
  lifecycle.onEnded((tasks, reason) => closer.ended(tasks, reason));
  const decideAgain = createDecideAgain({
    store,
    pdp,
    lifecycle,
    sha256,
    onProblem: (error, about) => log.error({ err: error }, about),
  });
  if (config.tasks.endWhenPolicyForbids) {
    inForce.onSwap(() => decideAgain.begin());
    lifecycle.onMade((task) => decideAgain.made(task));
    // The policy folder may have changed, or the last process have died after a publication.
    decideAgain.begin();
  }
  const suspensions = createSuspensions({
    ...decided,
    store,
    halt,
    live,
    closer,
    ended: (tasks, reason) => lifecycle.ended(tasks, reason),
    known: {
      targets,
      trustDomains: catalogue.trustDomains,
      issuers: config.identity.people.map((provider) => provider.issuer),
    },
  });
  const revocationFeed = createRevocationFeed({
    ...decided,
    store,
    retainMs: config.revocations.retainMs,
    longestTokenMs: LONGEST_TOKEN_MS,
  });
  const policyParts = {
    ...decided,
    store,
    inForce,
    checkArguments,
    catalogue: () => currentCatalogue(config, store),
    approvalLifetimeMs: config.approvals.lifetimeSeconds * 1000,
  };
  const identityAssertions = config.identity.people.some((provider) => provider.identityAssertions);
  const tokens = {
    ...decided,
    ...tokenParts,
    ...identity,
    identityAssertions,
    lifecycle,
    tasks: store,
    catalogue,
    profiles,
    checkArguments,
    lifetimeSeconds: config.token.lifetimeSeconds,
  };
  const asking = { ...tokens, authenticator, revoked: store };
  const app = createApp({
    ...decided,
    lifecycle,
    tasks: store,
    catalogue,
    profiles,
    profilesShown: createProfiles({ ...decided, profiles }),
    usage: createUsageReports({ ...decided, store, lifecycle, catalogue }),
    checkArguments,
    taskTokens: tokenParts,
    prompts: { sha256, clock, skewSeconds },
    agents: createAgents({ ...decided, store, registry, onEnded: lifecycle.ended }),
    registrationNames: registrationNames(config),
    revocationFeed,
    approvals: createApprovals({ ...decided, ...config.approvals, store }),
    standing: createStandingAnswers({ ...decided, store }),
    policies: createPolicies(policyParts),
    review: createReview({ ...policyParts, isKnownForm: (record) => recordForm.safeParse(record).success }),
    keys: createKeys({ ...decided, key }),
    secrets: credentials.kept,
    consents: credentials.consents,
    suspensions,
    labels: createLabels({ ...decided, store, sources }),
    leases: createLeases({
      ...decided,
      store,
      ...leases,
      settled: (task) => closer.ended([task], 'a lease of it is settled'),
    }),
    targets,
    definitions: store,
    people: config.identity.people,
    publicUrl,
    offered: { clientCertificates: config.server.tls !== null, identityAssertions },
    tokens,
    introspection: { ...asking, audiencesOf: (workload) => audiencesOf(workload, config.targets, publicUrl) },
    revocation: {
      ...asking,
      lifecycle,
      onRevoked: (id) => void live.endToken(id, 'the access token was revoked'),
    },
    tokenKey: key,
    authenticator,
    checkpoint: () => tree.checkpoint(),
    healthy: () => store.healthy(),
    concerns: () => concernsOf(referee, inForce),
    mcp: (request, target, peer) => gateway.fetch(request, target, peer),
    authzen: (request, at, peer) => authzen.fetch(request, at, peer),
    refusals,
    faults: log,
    maxBodyBytes: config.server.maxBodyBytes,
  });
  return {
    lifecycle,
    closer,
    decideAgain,
    gateway,
    httpGateway,
    live,
    app,
    key,
    revocationFeed,
    overstays: leases.overstays,
  };
}

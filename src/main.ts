#!/usr/bin/env node
/** The program: the one place where concrete parts are put together. Everything else takes what it needs. */
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { getRequestListener } from '@hono/node-server';
import { pino, type Logger } from 'pino';
import { recordForm } from './server/record-form.ts';
import { createAgents } from './agent/agents.ts';
import { createAnswered } from './approval/answered.ts';
import { createApprovals } from './approval/approvals.ts';
import { createStandingAnswers } from './approval/standing.ts';
import { printable } from './audit/record-text.ts';
import type { Refusals } from './audit/refusals.ts';
import { openTree, type Tree } from './audit/tree.ts';
import { unfinishedOutcomes } from './audit/unfinished.ts';
import { runCommand, USAGE } from './cli/commands.ts';
import type { Config } from './config/config.ts';
import { readConfig } from './config/config-file.ts';
import { readPolicyFolder } from './config/policy-folder.ts';
import { readSecret } from './config/read-secret.ts';
import { RemitError } from './core/errors.ts';
import type { Effect } from './core/effect.ts';
import type { CheckArguments } from './core/grant.ts';
import type { EventRecord } from './core/record.ts';
import type { FailPoint } from './ending/fail-point.ts';
import { createDecideAgain } from './ending/decide-again.ts';
import { createHalt } from './ending/halt.ts';
import { createSuspensions } from './ending/suspensions.ts';
import { createLiveWork } from './gateway/live.ts';
import { endLeftovers } from './gateway/mcp/upstream/leftover-processes.ts';
import { createMcpGateway, type McpGateway } from './gateway/mcp/gateway.ts';
import { refuse } from './gateway/mcp/refuse.ts';
import type { McpRequest } from './gateway/mcp/request.ts';
import type { McpAnswer } from './gateway/mcp/answer.ts';
import { decideStep } from './gateway/steps/decide.ts';
import { gatherStep } from './gateway/steps/gather.ts';
import { listable } from './gateway/steps/listable.ts';
import { observeStep } from './gateway/steps/observe.ts';
import type { StepParts } from './gateway/steps/parts.ts';
import { recordStep } from './gateway/steps/record.ts';
import { createDevPeople } from './identity/dev/people.ts';
import type { KeySeal } from './keys/key-seal.ts';
import { createCheckArguments } from './pdp/check-arguments.ts';
import { createPdp } from './pdp/pdp.ts';
import type { Referee } from './pdp/referee/referee.ts';
import { trustDomainNames } from './policy/catalogue.ts';
import { holdInForce, policyAtStart, type InForce } from './policy/in-force.ts';
import { createPolicies } from './policy/publish.ts';
import { createReview } from './policy/review.ts';
import { createApp } from './server/app.ts';
import { ERROR_TABLE } from './server/error-table.ts';
import { openSqliteStore, type SqliteStore } from './store/sqlite/open.ts';
import { createLifecycle } from './task/lifecycle.ts';
import { createAuthenticator } from './token/authenticate.ts';
import { audiencesOf } from './token/audiences.ts';
import { createKeys } from './token/keys.ts';
import { openAgentRegistry, registrationNames, type OpenAgentRegistry } from './wiring/agents.ts';
import { openCloser } from './wiring/endings.ts';
import { openFailPoints } from './wiring/fail-points.ts';
import { openIdentity, startAuthority } from './wiring/identity.ts';
import { keepKeysRotating, openKeySeal, openLogKey, openTokenKey } from './wiring/keys.ts';
import { startRefusals } from './wiring/refusals.ts';
import { openTrustBundles, type OpenTrustBundles } from './wiring/trust-bundles.ts';
import { closeServer, createListener, DRAIN_FOR_MS, listen, stopSignal } from './wiring/listener.ts';
import { concernsOf, openReferee } from './wiring/referee.ts';
import { startWebhooks } from './wiring/webhooks.ts';
import { currentCatalogue, reportFindings } from './wiring/policy-findings.ts';

const SWEEP_EVERY_MS = 500;
const LOG_ORIGIN_PREFIX = 'remit/';
/** MCP's own operations, which are on every target. */
const MCP_READS: readonly string[] = ['resources/read', 'prompts/get'];

const clock = Date.now;
const sha256 = (text: string) => createHash('sha256').update(text, 'utf8').digest('hex');
/** 120 random bits, in digits and lower-case letters: unguessable, unique, and easy to copy. */
const newId = (prefix: string) =>
  `${prefix}_${BigInt(`0x${randomBytes(15).toString('hex')}`)
    .toString(36)
    .padStart(24, '0')}`;

const [command = '', ...rest] = process.argv.slice(2);
if (command === 'serve') {
  const code = await serve(rest);
  // What was opened before a start failed would keep the process; nothing of it needs closing to be safe.
  process.exit(code);
}
process.exitCode = await runCommand(process.argv.slice(2), process.env);

/** `remit serve`: runs until a signal; resolves with an exit code when it cannot start. */
async function serve(args: string[]): Promise<number> {
  try {
    const { values } = parseArgs({
      args,
      options: {
        config: { type: 'string' },
        dev: { type: 'boolean', default: false },
        listen: { type: 'string' },
        data: { type: 'string' },
      },
    });
    if (values.config === undefined) {
      console.error(USAGE.split('\n')[0]);
      return 2;
    }
    const config = readConfig(values.config, {
      dev: values.dev,
      overrides: {
        ...(values.listen === undefined ? {} : { listen: values.listen }),
        ...(values.data === undefined ? {} : { data: values.data }),
      },
    });
    await run(config, values.dev);
    return 0;
  } catch (error) {
    console.error(printable(`remit: ${error instanceof Error ? error.message : String(error)}`));
    return error instanceof RemitError ? ERROR_TABLE[error.code].exit : 1;
  }
}

/** @throws RemitError when a part cannot be opened; what was opened before is closed by the end of the process. */
async function run(config: Config, dev: boolean): Promise<void> {
  const log = pino({ level: process.env['REMIT_LOG_LEVEL'] ?? 'warn' }, pino.destination({ dest: 2, sync: true }));
  const bootedAt = clock();
  // First of all: it makes sure that this process alone works on the data folder.
  const store = await openSqliteStore({ file: join(config.dataDir, 'remit.db'), clock });
  const authority = dev ? await startAuthority(config, clock) : undefined;
  const seal = await openKeySeal(config, process.env);
  if (!dev && !seal.encrypts) log.warn('the signing keys are not encrypted at rest; name a key in `keys.encryption`');
  const tree = await openLog(config, { store, seal, log });
  await store.append([...unfinishedOutcomes(store, { clock, newId }), event('process.started', { dev })]);

  await endLeftovers(store.processes(), store);

  const checkArguments = createCheckArguments();
  const atStart = await policyAtStart(readPolicyFolder(config.policies), {
    store,
    create: (files) => createPdp(files, { sha256, checkArguments }),
    event,
    clock,
  });
  const inForce = holdInForce(
    atStart,
    store.distrustedPolicySets().map(({ hash }) => hash),
  );
  const referee = openReferee(config, { store, inForce, event, random: Math.random, log });
  const refusals = startRefusals(store, { clock, newId, log });
  const bundles = openTrustBundles(config, {
    authority,
    clock,
    report: (trustDomain, problem) => log.error({ trustDomain, problem }, 'the trust bundle'),
    used: (subject) => {
      // Before the records of what it vouches for, which come behind it in the same queue.
      store
        .append([event('trust_bundle.used', subject)])
        .catch((error: unknown) => log.error({ err: error, subject }, 'a trust bundle is not recorded'));
    },
  });
  await bundles.ready;
  const registry = openAgentRegistry(config, { store, clock, log });
  const { lifecycle, closer, decideAgain, gateway, live, app, key } = await wire(config, {
    store,
    seal,
    tree,
    log,
    bootedAt,
    bundles,
    registry,
    inForce,
    referee,
    checkArguments,
    refusals,
    failPoint: openFailPoints(dev),
  });
  // What the last process has left to end, by the same code.
  closer.sweep();

  // Before anything is served: a secret that is none refuses the start.
  const webhooks = startWebhooks(config, { store, pdp: inForce.current, clock, env: process.env, log });

  const people = config.identity.people.find((provider) => provider.dev);
  const idp =
    people === undefined || !dev
      ? undefined
      : await createDevPeople({ issuer: people.issuer, clientId: people.clientId, dir: join(config.dataDir, 'dev') });
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = await createListener(
    config,
    (request, response) => {
      if (idp !== undefined && request.url?.startsWith('/dev/idp') === true) idp(request, response);
      else void listener(request, response);
    },
    log,
  );
  await listen(server, config);
  const sweep = setInterval(() => {
    const failed = (about: string) => (error: unknown) => log.error({ err: error }, about);
    lifecycle.expireOverdue().catch(failed('overdue tasks are not ended'));
    lifecycle.endIdle().catch(failed('idle tasks are not ended'));
    decideAgain.sweep();
    closer.sweep();
  }, SWEEP_EVERY_MS);
  const rotation = keepKeysRotating(key, log);
  const stopped = stopSignal();
  introduce(config, dev);
  const introduced = introspectTargets(config, gateway, log).then(() => reportFindings(config, inForce, store, log));
  await Promise.race([introduced, stopped]);
  await stopped;

  console.log('remit: draining');
  clearInterval(sweep);
  clearInterval(rotation);
  webhooks.stop();
  const closed = closeServer(server);
  await Promise.race([live.draining(), new Promise((resolve) => setTimeout(resolve, DRAIN_FOR_MS).unref())]);
  await gateway.close();
  await decideAgain.stop();
  await closer.settled();
  await closed;
  await referee.close();
  await refusals.stop();
  await registry.stop();
  await store.append([event('process.stopped', {})]).catch(() => {});
  await tree.close();
  await store.close();
  bundles.stop();
  await authority?.close();
}

type Opened = {
  store: SqliteStore;
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
  failPoint: FailPoint;
};

/** Puts control plane and gateway together around one store and one policy set. */
async function wire(config: Config, opened: Opened) {
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
  const live = createLiveWork({
    isLive: (id) => {
      const chain = store.chain(id);
      return chain.length > 0 && chain.every(({ task }) => task.state === 'active');
    },
    isRevoked: (id) => store.isTokenRevoked(id),
    isSuspended: (target) => suspension('target', target) !== undefined,
  });
  const lifecycle = createLifecycle({
    ...decided,
    store,
    agents: registry,
    limits: config.tasks,
    calling: () => live.calling(),
    failPoint,
    approvalLifetimeMs: config.approvals.lifetimeSeconds * 1000,
  });
  const catalogue = {
    operations: (name: string) => operationsOf(targets.get(name)),
    effectOf: (name: string, operation: string) => effectOf(targets.get(name), operation),
    trustDomains: trustDomainNames(config.identity),
  };
  const tokenParts = { key, issuer, clock, newId, skewSeconds };
  const authenticator = createAuthenticator({ ...tokenParts, ...identity, tasks: store, revoked: store });

  const steps: StepParts = {
    store,
    pdp,
    referee,
    fresh,
    suspension,
    clock,
    newId,
    sha256,
    approvalLifetimeMs: config.approvals.lifetimeSeconds * 1000,
    onFault: (error, about) => log.error({ err: error }, about),
  };
  const gateway = createMcpGateway({
    targets,
    publicUrl,
    authenticate: (request, audience) => authenticator.authenticate(request, audience),
    steps: {
      gather: gatherStep<McpRequest, McpAnswer>(steps),
      decide: decideStep<McpRequest, McpAnswer>(steps),
      record: recordStep<McpRequest, McpAnswer>(steps, (exchange) => refuse(exchange, publicUrl)),
      observe: observeStep<McpRequest, McpAnswer>(steps),
    },
    listable: (caller, target, operation) => listable(caller, target, operation, steps),
    definitions: store,
    processes: store,
    live,
    answered: createAnswered(store),
    readSecret: (source) => readSecret(source, process.env),
    clock,
    newId,
    log,
    refused: ({ target, ...refusal }) => refusals.refused({ at: `/mcp/${target}`, ...refusal }),
    maxBodyBytes: config.server.maxBodyBytes,
  });
  const closer = openCloser({ store, live, clock, newId, failPoint, log });
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
  const policyParts = {
    ...decided,
    store,
    inForce,
    checkArguments,
    catalogue: () => currentCatalogue(config, store),
    approvalLifetimeMs: config.approvals.lifetimeSeconds * 1000,
  };
  const tokens = {
    ...decided,
    ...tokenParts,
    ...identity,
    tasks: store,
    catalogue,
    lifetimeSeconds: config.token.lifetimeSeconds,
  };
  const asking = { ...tokens, authenticator, revoked: store };
  const app = createApp({
    ...decided,
    lifecycle,
    tasks: store,
    catalogue,
    taskTokens: tokenParts,
    agents: createAgents({ ...decided, store, registry, onEnded: lifecycle.ended }),
    registrationNames: registrationNames(config),
    approvals: createApprovals({ ...decided, ...config.approvals, store }),
    standing: createStandingAnswers({ ...decided, store }),
    policies: createPolicies(policyParts),
    review: createReview({ ...policyParts, isKnownForm: (record) => recordForm.safeParse(record).success }),
    keys: createKeys({ ...decided, key }),
    suspensions,
    targets,
    definitions: store,
    people: config.identity.people,
    publicUrl,
    offered: { clientCertificates: config.server.tls !== null },
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
    refusals,
    faults: log,
    maxBodyBytes: config.server.maxBodyBytes,
  });
  return { lifecycle, closer, decideAgain, gateway, live, app, key };
}

/** Operations that a grant may name: those of the target file, and MCP's own two. */
function operationsOf(target: Config['targets'][number] | undefined): string[] | undefined {
  return target === undefined ? undefined : [...Object.keys(target.operations), ...MCP_READS];
}

function effectOf(target: Config['targets'][number] | undefined, operation: string): Effect | undefined {
  if (target === undefined) return undefined;
  const known = Object.hasOwn(target.operations, operation) ? target.operations[operation]?.effect : undefined;
  return known ?? (MCP_READS.includes(operation) ? 'read' : undefined);
}

async function openLog(config: Config, { store, seal, log }: Pick<Opened, 'store' | 'seal' | 'log'>): Promise<Tree> {
  const origin = `${LOG_ORIGIN_PREFIX}${new URL(config.server.publicUrl).hostname}`;
  return openTree({
    log: store,
    dir: join(config.dataDir, 'log'),
    origin,
    signer: await openLogKey(config, origin, { store, seal, event }),
    clock,
    onProblem: (problem) => log.error({ problem }, 'the log cannot be published'),
  });
}

function event(name: EventRecord['event'], subject: EventRecord['subject']): EventRecord {
  return { version: 1, id: newId('rec'), time: clock(), kind: 'event', event: name, subject };
}

function introduce(config: Config, dev: boolean): void {
  const { publicUrl } = config.server;
  console.log(`remit: listening on ${publicUrl}${dev ? ' (development identities: never expose this)' : ''}`);
  for (const { name } of config.targets) console.log(`  MCP target ${name}: ${publicUrl}/mcp/${name}`);
  console.log(`  data and log in ${config.dataDir}`);
  if (dev) {
    console.log('next: npm run remit -- task request --as alice --agent spiffe://remit.local/agent/summariser \\');
    console.log('        --purpose "summarise the notes" --grant examples/quickstart/summarise.yaml');
  }
}

/** Looks at each target once, so that its tools are pinned before anybody calls one. A dead target is no reason to stop. */
async function introspectTargets(config: Config, gateway: McpGateway, log: Logger): Promise<void> {
  await Promise.all(
    config.targets.map(({ name }) =>
      gateway
        .introspect(name)
        .catch((error: unknown) => log.warn({ err: error, target: name }, 'a target does not answer')),
    ),
  );
}

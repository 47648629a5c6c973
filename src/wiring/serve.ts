/** `remit serve`: from the command line to a process that serves until it is told to stop. */
import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { getRequestListener } from '@hono/node-server';
import { pino, type Logger } from 'pino';
import { printable } from '../audit/record-text.ts';
import { unfinishedOutcomes } from '../audit/unfinished.ts';
import { SERVE_USAGE } from '../cli/serve-usage.ts';
import type { Config } from '../config/config.ts';
import { readConfig } from '../config/config-file.ts';
import { readPolicyFolder } from '../config/policy-folder.ts';
import { RemitError } from '../core/errors.ts';
import { targetResource } from '../core/target-resource.ts';
import { endLeftovers } from '../gateway/mcp/upstream/leftover-processes.ts';
import type { McpGateway } from '../gateway/mcp/gateway.ts';
import { createDevPeople } from '../identity/dev/people.ts';
import { createCheckArguments } from '../pdp/check-arguments.ts';
import { createPdp } from '../pdp/pdp.ts';
import { holdInForce, policyAtStart } from '../policy/in-force.ts';
import { peerOfSocket } from '../server/peer-of.ts';
import { ERROR_TABLE } from '../server/error-table.ts';
import type { Store } from '../store/ports.ts';
import { openAgentRegistry } from './agents.ts';
import { openControlPlane } from './control-plane.ts';
import { clock, event, newId, sha256 } from './process.ts';
import { openFailPoints } from './fail-points.ts';
import { startAuthority } from './identity.ts';
import { keepKeysRotating, openKeySeal } from './keys.ts';
import { startRefusals } from './refusals.ts';
import { openTrustBundles } from './trust-bundles.ts';
import { takeUpgrades } from './upgrades.ts';
import { closeServer, createListener, DRAIN_FOR_MS, listen, stopSignal } from './listener.ts';
import { watchOverstays } from './leases.ts';
import { keepFeedPruned } from './revocations.ts';
import { openLog } from './log.ts';
import { openReferee } from './referee.ts';
import { startWebhooks } from './webhooks.ts';
import { reportFindings } from './policy-findings.ts';

const SWEEP_EVERY_MS = 500;

export type ServeParts = {
  /** @throws RemitError when the database cannot be opened for this process alone. */
  openStore: (options: { file: string; clock: () => number }) => Promise<Store>;
};

/** `remit serve`: runs until a signal; resolves with an exit code when it cannot start. */
export async function serve(args: string[], { openStore }: ServeParts): Promise<number> {
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
      console.error(SERVE_USAGE);
      return 2;
    }
    const config = readConfig(values.config, {
      dev: values.dev,
      overrides: {
        ...(values.listen === undefined ? {} : { listen: values.listen }),
        ...(values.data === undefined ? {} : { data: values.data }),
      },
    });
    await run(config, { dev: values.dev, file: values.config }, openStore);
    return 0;
  } catch (error) {
    console.error(printable(`remit: ${error instanceof Error ? error.message : String(error)}`));
    return error instanceof RemitError ? ERROR_TABLE[error.code].exit : 1;
  }
}

/** @throws RemitError when a part cannot be opened; what was opened before is closed by the end of the process. */
async function run(
  config: Config,
  { dev, file }: { dev: boolean; file: string },
  openStore: ServeParts['openStore'],
): Promise<void> {
  const log = pino({ level: process.env['REMIT_LOG_LEVEL'] ?? 'warn' }, pino.destination({ dest: 2, sync: true }));
  const bootedAt = clock();
  // First of all: it makes sure that this process alone works on the data folder.
  const store = await openStore({ file: join(config.dataDir, 'remit.db'), clock });
  const authority = dev ? await startAuthority(config, clock) : undefined;
  const seal = await openKeySeal(config, process.env);
  if (!dev && !seal.encrypts) log.warn('the signing keys are not encrypted at rest; name a key in `keys.encryption`');
  for (const { name, unclassified } of config.targets) {
    if (unclassified !== undefined) log.warn({ target: name, unclassified }, 'operations without an effect are denied');
  }
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
  const plane = await openControlPlane(config, {
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
  const { lifecycle, closer, decideAgain, gateway, httpGateway, live, app, key, revocationFeed, overstays } = plane;
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
      if (httpGateway.handle(request, response, peerOfSocket(request.socket))) return;
      if (idp !== undefined && request.url?.startsWith('/dev/idp') === true) idp(request, response);
      else void listener(request, response);
    },
    log,
  );
  takeUpgrades(server, httpGateway);
  await listen(server, config);
  const sweep = setInterval(() => {
    const failed = (about: string) => (error: unknown) => log.error({ err: error }, about);
    lifecycle.expireOverdue().catch(failed('overdue tasks are not ended'));
    lifecycle.endIdle().catch(failed('idle tasks are not ended'));
    decideAgain.sweep();
    closer.sweep();
  }, SWEEP_EVERY_MS);
  const rotation = keepKeysRotating(key, log);
  const pruning = keepFeedPruned(revocationFeed, log);
  const lapsing = watchOverstays(overstays);
  const stopped = stopSignal();
  introduce(config, { dev, file });
  const introduced = introspectTargets(config, gateway, log).then(() => reportFindings(config, inForce, store, log));
  await Promise.race([introduced, stopped]);
  await stopped;

  console.log('remit: draining');
  clearInterval(sweep);
  clearInterval(rotation);
  clearInterval(pruning);
  clearInterval(lapsing);
  revocationFeed.close();
  webhooks.stop();
  const closed = closeServer(server);
  await Promise.race([live.draining(), new Promise((resolve) => setTimeout(resolve, DRAIN_FOR_MS).unref())]);
  await gateway.close();
  await httpGateway.close();
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

function introduce(config: Config, { dev, file }: { dev: boolean; file: string }): void {
  const { publicUrl } = config.server;
  console.log(`remit: listening on ${publicUrl}${dev ? ' (development identities: never expose this)' : ''}`);
  for (const { name, kind } of config.targets) {
    console.log(`  ${kind.toUpperCase()} target ${name}: ${targetResource(publicUrl, { protocol: kind, name })}`);
  }
  console.log(`  data and log in ${config.dataDir}`);
  if (dev) console.log(`next: ${nextStep(join(dirname(file), 'summarise.yaml'))}`);
}

/** @param grant the file of the quickstart that a first task is requested with, where this is the quickstart. */
function nextStep(grant: string): string {
  if (!existsSync(grant)) return 'hand an agent a task: remit task request';
  return [
    'npm run remit -- task request --as alice --agent spiffe://remit.local/agent/summariser \\',
    `        --purpose "summarise the notes" --grant ${relative('', grant)}`,
  ].join('\n');
}

/** Looks at each target once, so that its tools are pinned before anybody calls one. A dead target is no reason to stop. */
async function introspectTargets(config: Config, gateway: McpGateway, log: Logger): Promise<void> {
  await Promise.all(
    config.targets
      .filter(({ kind }) => kind === 'mcp')
      .map(({ name }) =>
        gateway
          .introspect(name)
          .catch((error: unknown) => log.warn({ err: error, target: name }, 'a target does not answer')),
      ),
  );
}

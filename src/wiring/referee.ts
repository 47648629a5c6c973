/** The referee of the decision engine, and what follows when it finds a difference. */
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { EventRecord } from '../core/record.ts';
import { startReferee, type Referee } from '../pdp/referee/referee.ts';
import { createDistrust } from '../policy/distrust.ts';
import type { InForce } from '../policy/in-force.ts';
import type { PolicySetStore } from '../store/ports.ts';

export type RefereeWiring = {
  store: PolicySetStore;
  inForce: InForce;
  event: (name: EventRecord['event'], subject: EventRecord['subject']) => EventRecord;
  random: () => number;
  log: Logger;
};

const TELL_DISTRUST =
  'cedar-wasm decides otherwise than Remit did: from now on everything is denied that this policy set decides; ' +
  'publish another set or roll back, keep the record, and report this';

export function openReferee({ policy }: Pick<Config, 'policy'>, parts: RefereeWiring): Referee {
  const { store, inForce, event, random, log } = parts;
  const { sample, queue } = policy.referee;
  const distrust = createDistrust({
    store,
    inForce,
    event,
    onDistrust: (found) => log.fatal(found, TELL_DISTRUST),
    onProblem: (error) =>
      log.error({ err: error }, 'that a policy set is distrusted is not stored yet; it denies still'),
  });
  const { policySet } = inForce.current();
  if (inForce.isDistrusted(policySet))
    log.fatal({ policySet }, 'the policy set in force is distrusted; publish another');
  if (sample === 0) log.warn('the referee is off (`policy.referee.sample: 0`): no decision is evaluated again');
  const referee = startReferee({
    pdp: inForce.current,
    sample,
    queue,
    random,
    onFound: (found) => distrust.found(found),
    onProblem: (error) => log.error({ err: error }, 'the referee cannot evaluate decisions again; it is started anew'),
  });
  return {
    consider: (made) => referee.consider(made),
    status: () => referee.status(),
    close: async () => {
      await referee.close();
      await distrust.close();
    },
  };
}

/** What `/healthz` says beside that requests are served. */
export function concernsOf(referee: Referee, inForce: InForce): string[] {
  return [
    ...(inForce.isDistrusted(inForce.current().policySet) ? ['policy_set_distrusted'] : []),
    ...(referee.status().state === 'degraded' ? ['referee_degraded'] : []),
  ];
}

/** The HTTP gateway: its steps over the parts that every PEP shares. */
import type { SecretSource, TargetConfig } from '../config/config.ts';
import { InvalidConfig } from '../core/errors.ts';
import type { Credential } from '../credential/credential.ts';
import { stripOf } from '../credential/strip.ts';
import { isPrivateHost } from '../gateway/http/addresses.ts';
import type { HttpAnswer } from '../gateway/http/answer.ts';
import { createHttpGateway, type HttpGateway, type HttpGatewayDeps } from '../gateway/http/gateway.ts';
import { createInject, createInjector } from '../gateway/http/inject.ts';
import { leasedHooks } from '../gateway/http/leased.ts';
import { refuse } from '../gateway/http/problem.ts';
import type { HttpRequest } from '../gateway/http/request.ts';
import { createUpstreams } from '../gateway/http/upstream.ts';
import { decideStep } from '../gateway/steps/decide.ts';
import { gatherStep } from '../gateway/steps/gather.ts';
import { observeStep } from '../gateway/steps/observe.ts';
import type { StepParts } from '../gateway/steps/parts.ts';
import { recordStep } from '../gateway/steps/record.ts';
import type { Ledger } from '../lease/ledger.ts';
import type { TellTarget } from '../telemetry/tell-target.ts';

export type HttpGatewayWiring = Omit<
  HttpGatewayDeps,
  'steps' | 'hooks' | 'inject' | 'onStream' | 'upstreams' | 'clock' | 'newId'
> & {
  steps: StepParts & { leases: Ledger };
  readSecret: (source: SecretSource) => string;
  credential: (target: string) => Credential | null;
  tellTarget: TellTarget;
};

/** @throws InvalidConfig for a target that cannot be served. */
export function openHttpGateway(wiring: HttpGatewayWiring): HttpGateway {
  const { steps, readSecret, credential, tellTarget, targets, ...deps } = wiring;
  const own = new Map([...targets].filter(([, { kind }]) => kind === 'http'));
  for (const target of own.values()) refusePrivate(target);
  return createHttpGateway({
    ...deps,
    targets: own,
    upstreams: createUpstreams(),
    steps: {
      gather: gatherStep<HttpRequest, HttpAnswer>(steps),
      decide: decideStep<HttpRequest, HttpAnswer>(steps),
      record: recordStep<HttpRequest, HttpAnswer>(steps, refuse),
      observe: observeStep<HttpRequest, HttpAnswer>(steps),
    },
    hooks: {
      ...leasedHooks(steps.leases),
      inject: createInject({ readSecret, credential, tellTarget }),
      strip: stripOf,
    },
    inject: createInjector({ readSecret, credential }),
    onStream: ({ looked, chain = [], recordId = '' }) => {
      if (looked !== undefined) steps.sources.read(looked, { id: recordId, chain, value: undefined });
    },
    clock: steps.clock,
    newId: steps.newId,
  });
}

/** Names are looked at when they are resolved; a private address that stands in the file is a mistake, or meant. */
function refusePrivate({ name, upstream }: TargetConfig): void {
  if (upstream.kind !== 'http' || upstream.private === true || !isPrivateHost(new URL(upstream.url).hostname)) return;
  throw new InvalidConfig(
    `target \`${name}\`: \`upstream.url\` leads to a private address; say \`private: true\` if that is meant`,
  );
}

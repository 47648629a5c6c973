import { createHash } from 'node:crypto';
import type { SecretSource, TargetConfig } from '../../config/config.ts';
import { CredentialUnavailable } from '../../core/errors.ts';
import { secretsOf } from '../../credential/injected.ts';
import { injectedHeaders, injectedUrl, type Credential, type CredentialUse } from '../../credential/credential.ts';
import type { TellTarget } from '../../telemetry/tell-target.ts';
import type { ActHooks, Departed, Departing } from './act-hooks.ts';
import type { HttpExchange } from './request.ts';

export type InjectParts = {
  /** The credential of a target that has one. */
  credential: (target: string) => Credential | null;
  /** The value behind a source, read at each use. */
  readSecret: (source: SecretSource) => string;
};

export type Inject = (departing: Departing, config: TargetConfig, use: CredentialUse) => Promise<Departed>;

/** As a hook of the gateway, for the request of an agent: tells the target of the call as well. */
export function createInject({ tellTarget, ...parts }: InjectParts & { tellTarget: TellTarget }): ActHooks['inject'] {
  const inject = createInjector(parts);
  return async (departing, exchange) => {
    const { target, headers } = exchange.request;
    const told = await tellTarget(exchange, target.config, headers.get('traceparent')?.join() ?? null);
    return inject({ ...departing, headers: { ...departing.headers, ...told } }, target.config, useOf(exchange));
  };
}

/** Puts the target's own credential into a request: the fixed headers of its file, and then what it injects. */
export function createInjector({ credential: credentialOf, readSecret }: InjectParts): Inject {
  return async (departing, config, use) => {
    if (config.upstream.kind !== 'http') throw new Error('an HTTP target has an HTTP upstream');
    const fixed = Object.entries(config.upstream.headers).map(([name, from]) => {
      const value = readSecret(from);
      return { header: [name.toLowerCase(), value] as const, secret: 'value' in from ? null : value };
    });
    const headers = { ...departing.headers, ...Object.fromEntries(fixed.map(({ header }) => header)) };
    const own = {
      ...departing,
      headers,
      secrets: fixed.flatMap(({ secret }) => (secret === null ? [] : secretsOf(secret))),
    };
    if (config.credential === undefined) return { ...own, tls: null, onRefused: () => {} };
    const credential = credentialOf(config.name);
    // Without it the target would be asked as nobody.
    if (credential === null) throw new CredentialUnavailable('the credential of the target is not to be had');
    const injection = await credential.inject(
      { ...own, bodyDigest: credential.signsBody ? digestOf(departing.body) : null },
      use,
    );
    return {
      ...own,
      url: injectedUrl(own.url, injection),
      headers: injectedHeaders(headers, injection),
      tls: injection.tls,
      secrets: [...own.secrets, ...injection.secrets],
      named: injection.named,
      onRefused: () => credential.refused(injection),
    };
  };
}

function digestOf(body: Departing['body']): string | null {
  if (body === null) return createHash('sha256').digest('hex');
  return body instanceof Uint8Array ? createHash('sha256').update(body).digest('hex') : null;
}

function useOf({ caller, decision, request, signal }: HttpExchange): CredentialUse {
  if (caller === undefined || decision === undefined) throw new Error('a pipeline acts before it has decided');
  return {
    task: caller.taskId,
    agent: caller.agent,
    delegator: caller.delegator,
    target: request.target.name,
    policySet: decision.policySet,
    signal,
  };
}

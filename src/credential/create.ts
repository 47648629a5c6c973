import type { CredentialConfig } from '../config/credential.ts';
import type { Delegator } from '../core/party.ts';
import { createAwsSigV4 } from './aws-sigv4.ts';
import { createBasic } from './basic.ts';
import { createClientCertificate } from './client-certificate.ts';
import type { Credential, CredentialUse } from './credential.ts';
import { createHeader } from './header.ts';
import { bearerCredential } from './oauth/bearer.ts';
import { checkConsent, createConsented } from './oauth/consent.ts';
import { clientCredentials, identityAssertion, tokenExchange, type StatementParts } from './oauth/grants.ts';
import { createRefreshing } from './oauth/refresh-token.ts';
import { createTaskTokens, type TaskTokenParts } from './oauth/task-tokens.ts';
import type { IssuedToken } from './oauth/token-endpoint.ts';
import { createQuery } from './query.ts';

export type CredentialParts = StatementParts & Pick<TaskTokenParts, 'store' | 'keys' | 'isLive' | 'onLate'>;

export type MadeCredential = {
  credential: Credential;
  /** Forgets what is in memory of a task that has ended. */
  drop: (task: string) => void;
  /** Forgets what is in memory of a delegator, whose consent has changed. */
  forget: (delegator: Delegator) => void;
};

/** The credential of a target, as its file says. */
export function createCredential(config: CredentialConfig, target: string, parts: CredentialParts): MadeCredential {
  const fixed = (credential: Credential): MadeCredential => ({ credential, drop: () => {}, forget: () => {} });
  switch (config.kind) {
    case 'header':
      return fixed(createHeader(config, parts));
    case 'query':
      return fixed(createQuery(config, parts));
    case 'basic':
      return fixed(createBasic(config, parts));
    case 'client_certificate':
      return fixed(createClientCertificate(config, parts));
    case 'aws_sigv4':
      return fixed(createAwsSigV4(config, parts));
    case 'oauth_client':
    case 'refresh_token':
    case 'token_exchange':
    case 'id_jag':
    case 'delegator': {
      const fetchToken = fetchingOf(config, target, parts);
      const tokens = createTaskTokens({ ...parts, target, revocable: config.revocationUrl !== null, fetchToken });
      return {
        credential: bearerCredential(config, tokens, (use) => {
          if (config.kind === 'delegator') checkConsent(use, parts);
        }),
        drop: (task) => tokens.drop(task),
        forget: (delegator) => tokens.forget(delegator),
      };
    }
  }
}

type OAuthConfig = Extract<CredentialConfig, { tokenUrl: string }>;

function fetchingOf(
  config: OAuthConfig,
  target: string,
  parts: CredentialParts,
): (use: CredentialUse) => Promise<IssuedToken> {
  switch (config.kind) {
    case 'oauth_client':
      return () => clientCredentials(config, parts);
    case 'refresh_token':
      return createRefreshing(config, target, parts);
    case 'token_exchange':
      return (use) => tokenExchange(config, use, parts);
    case 'id_jag':
      return (use) => identityAssertion(config, use, parts);
    case 'delegator':
      return createConsented(config, target, parts);
  }
}

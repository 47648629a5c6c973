import type { CredentialConfig } from '../config/credential.ts';
import { InvalidConfig } from '../core/errors.ts';
import { createBasic } from './basic.ts';
import { createClientCertificate } from './client-certificate.ts';
import type { Credential } from './credential.ts';
import { createHeader } from './header.ts';
import { createQuery } from './query.ts';
import type { Secrets } from './secrets.ts';

export type CredentialParts = {
  secrets: Secrets;
};

/** The credential of a target, as its file says. */
export function createCredential(config: CredentialConfig, parts: CredentialParts): Credential {
  switch (config.kind) {
    case 'header':
      return createHeader(config, parts);
    case 'query':
      return createQuery(config, parts);
    case 'basic':
      return createBasic(config, parts);
    case 'client_certificate':
      return createClientCertificate(config, parts);
    case 'oauth_client':
    case 'refresh_token':
    case 'token_exchange':
    case 'id_jag':
    case 'aws_sigv4':
    case 'delegator':
      throw new InvalidConfig(`a \`credential\` of kind \`${config.kind}\` cannot be used yet`);
  }
}

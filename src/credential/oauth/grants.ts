/** How a token of a task is got at the target's own authorisation server: one function for each kind of grant. */
import type { CredentialConfig } from '../../config/credential.ts';
import { CredentialUnavailable } from '../../core/errors.ts';
import { delegatorId, type Delegator } from '../../core/party.ts';
import type { CredentialUse } from '../credential.ts';
import { NOT_TO_BE_HAD } from '../secrets.ts';
import { requestToken, type IssuedToken, type TokenEndpointParts } from './token-endpoint.ts';

type Config<Kind extends CredentialConfig['kind']> = Extract<CredentialConfig, { kind: Kind }>;

/** RFC 8693, section 3. */
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';
const ID_JAG_TYP = 'oauth-id-jag+jwt';
/** A statement is shown at once, and to one server. */
const STATEMENT_LIFETIME_SECONDS = 60;

/** What Remit says of a delegator to a server that trusts it as an issuer. */
export type StatementParts = TokenEndpointParts & {
  issuer: string;
  newId: (prefix: string) => string;
  /** Signs with the keys that are published at `<issuer>/jwks`. */
  sign: (typ: string, claims: Record<string, unknown>) => Promise<string>;
};

/** RFC 6749, section 4.4. */
export function clientCredentials(config: Config<'oauth_client'>, parts: TokenEndpointParts): Promise<IssuedToken> {
  return requestToken(config, 'client_credentials', {}, parts);
}

/** RFC 8693: a token of a service, or what Remit states of the delegator, for a token at the target. */
export async function tokenExchange(
  config: Config<'token_exchange'>,
  use: CredentialUse,
  parts: StatementParts,
): Promise<IssuedToken> {
  const { subject, audience, tokenUrl } = config;
  const ofDelegator = subject === 'delegator';
  const token = ofDelegator
    ? await statement('JWT', { ...config, audience: tokenUrl }, use, parts)
    : (await parts.secrets.read(subject, new AbortController().signal)).value;
  const parameters = {
    subject_token: token,
    subject_token_type: ofDelegator ? JWT : ACCESS_TOKEN,
    ...(audience === null ? {} : { audience }),
  };
  return requestToken(config, 'urn:ietf:params:oauth:grant-type:token-exchange', parameters, parts);
}

/**
 * draft-ietf-oauth-identity-assertion-authz-grant-04, section 4.4: Remit is the issuer of the assertion, and the client
 * that shows it.
 */
export async function identityAssertion(
  config: Config<'id_jag'>,
  use: CredentialUse,
  parts: StatementParts,
): Promise<IssuedToken> {
  const assertion = await statement(ID_JAG_TYP, config, use, parts);
  return requestToken(config, 'urn:ietf:params:oauth:grant-type:jwt-bearer', { assertion }, parts);
}

type About = Pick<Config<'id_jag'>, 'audience' | 'client' | 'scope' | 'resource'>;

async function statement(typ: string, about: About, use: CredentialUse, parts: StatementParts): Promise<string> {
  const delegator = delegatorOf(use);
  const iat = Math.floor(parts.clock() / 1000);
  return parts.sign(typ, {
    iss: parts.issuer,
    sub: delegatorId(delegator),
    aud: about.audience,
    client_id: about.client.id,
    jti: parts.newId('sta'),
    iat,
    exp: iat + STATEMENT_LIFETIME_SECONDS,
    ...(about.scope === null ? {} : { scope: about.scope }),
    ...(about.resource === null ? {} : { resource: about.resource }),
    ...(delegator.email === undefined ? {} : { email: delegator.email }),
    // The draft has no meaning for a chain; a receiver that takes none must not be shown one that it would drop.
    ...(typ === ID_JAG_TYP || use.agent === null ? {} : { act: { sub: use.agent.id } }),
  });
}

function delegatorOf({ delegator }: CredentialUse): Delegator {
  if (delegator !== null) return delegator;
  throw new CredentialUnavailable(NOT_TO_BE_HAD, {
    detail: 'this kind of credential is of a delegator, and so for requests under a task alone',
  });
}

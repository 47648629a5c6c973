import type { CheckArguments, Grant } from '../core/grant.ts';
import type { Agent } from '../core/party.ts';
import type { ClientAssertionVerifier } from '../identity/client-assertion.ts';
import type { DpopVerifier } from '../identity/dpop.ts';
import type { ClientCertificate } from '../identity/peer.ts';
import type { IdJag, IdJagVerifier } from '../identity/id-jag.ts';
import type { IdTokenVerifier } from '../identity/id-token.ts';
import type { SvidVerifier } from '../identity/jwt-svid.ts';
import type { WorkloadTokenVerifier } from '../identity/workload-token.ts';
import type { X509SvidVerifier } from '../identity/x509-svid.ts';
import type { TaskStore } from '../store/ports.ts';
import type { AuthorizeParts } from '../task/authorize.ts';
import type { Catalogue } from '../task/grant-form.ts';
import type { ProfileSet } from '../task/profile/profiles.ts';
import type { Lifecycle } from '../task/lifecycle.ts';
import type { TaskRequest } from '../task/task-request.ts';
import type { AccessTokenParts, TokenSubject } from './access-token.ts';
import type { TokenBinding } from './confirmation.ts';
import type { ClientForm, TokenForm } from './form.ts';
import type { Workload } from './verify-workload.ts';

export type TokenEndpointParts = AuthorizeParts &
  AccessTokenParts & {
    dpop: DpopVerifier;
    svids: SvidVerifier;
    x509Svids: X509SvidVerifier;
    workloadTokens: WorkloadTokenVerifier;
    clientAssertions: ClientAssertionVerifier;
    idTokens: IdTokenVerifier;
    idJags: IdJagVerifier;
    /** Whether any provider's identity assertions are taken. */
    identityAssertions: boolean;
    lifecycle: Pick<Lifecycle, 'request'>;
    tasks: Pick<TaskStore, 'chain' | 'admit'>;
    /** What a task is requested with. */
    catalogue: Catalogue;
    profiles: ProfileSet;
    checkArguments: CheckArguments;
    /** Longest life of an access token. */
    lifetimeSeconds: number;
  };

/** An HTTP request to one of the OAuth endpoints. */
export type TokenRequest = {
  headers: Headers;
  /** Of the TLS connection that the request came over. */
  certificate: ClientCertificate | null;
  contentType: string;
  body: string;
  /** `req_…` */
  request: string;
};

/** RFC 6749, section 5.1, and RFC 8693, section 2.2.1. */
export type TokenResponse = {
  access_token: string;
  issued_token_type: string;
  /** A token that is bound to a certificate is sent as `Bearer` (RFC 8705, section 3). */
  token_type: 'DPoP' | 'Bearer';
  expires_in: number;
  authorization_details?: Grant[];
  scope?: string;
};

/** A token request on its way. Each check fills in its part. */
export type Exchange = {
  readonly http: TokenRequest;
  form: TokenForm;
  grant: GrantKind;
  /** What was proven, and the token will be bound to. */
  binding: TokenBinding;
  /** Of an identity assertion: what it says, and the client who showed it. */
  asserted?: IdJag & { client: Workload };
  /** `target` is `null` for Remit's own API. */
  resource: { audience: string; target: string | null };
  subject: TokenSubject | AssertedSubject;
  /** Milliseconds since the epoch: when the first of the things that the token rests on ends. */
  notAfter: number;
};

/** Whom a token would be for whose task is made with the last check. */
export type AssertedSubject = {
  kind: 'asserted';
  agent: Agent;
  request: TaskRequest;
  grants: Grant[];
  scope?: string;
};

/** What a client is authenticated by, at whichever endpoint. `binding` where the request proved a key besides. */
export type ClientRequest = { readonly http: TokenRequest; readonly form: ClientForm; readonly binding?: TokenBinding };

export type GrantKind = 'agent' | 'person' | 'task' | 'assertion';

/** One check of the token endpoint: fills in its part of the exchange, or throws. */
export type Check = (exchange: Exchange, parts: TokenEndpointParts) => void | Promise<void>;

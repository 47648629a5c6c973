/** Whom to believe about who somebody is. Types alone: what is published to verify tokens takes them along. */
import type { ClaimRule } from '../core/claim.ts';
import type { SpiffeId } from '../core/spiffe-id.ts';
import type { SpiffeTemplate } from '../core/spiffe-template.ts';

/** A trust domain and where its bundle comes from: always named by the configuration, never by what an SVID says. */
export type TrustDomain = {
  name: string;
  bundle:
    | { dev: true }
    | { file: string }
    /** URL of a bundle endpoint that the Web PKI authenticates. */
    | { httpsWeb: string }
    /** A bundle endpoint that its X.509-SVID authenticates; with a first bundle where it serves its own trust domain. */
    | { httpsSpiffe: { url: string; spiffeId: string; bootstrap: string | null } }
    /** `unix:` address of the Workload API. */
    | { workloadApi: string };
};

/** Where an issuer's keys are: by OpenID Connect Discovery, at a URL, or in a file. */
export type KeySource = { issuer: string } | { uri: string } | { file: string };

/** A platform that gives its workloads OIDC tokens, and how such a token becomes a SPIFFE ID. */
export type WorkloadIssuer = {
  /** `iss`, exactly. */
  issuer: string;
  /** `aud`, exactly and alone. */
  audience: string;
  algorithms: readonly string[];
  keys: KeySource;
  /** By claim name, or JSON Pointer (RFC 6901) for a nested one. All must hold. */
  claims: readonly (readonly [claim: string, rule: ClaimRule])[];
  spiffeId: SpiffeTemplate;
  /** Oldest token that is taken, by its `iat`. */
  maxAgeSeconds: number;
  /** Whether a token may be shown again by the key that showed it first. */
  reuse: 'never' | 'same_key';
};

export type OAuthClient = {
  id: SpiffeId;
  trustDomain: string;
  /** Asymmetric ones. */
  algorithms: readonly string[];
  keys: KeySource;
};

export type PeopleProvider = {
  issuer: string;
  /** `aud` that an ID token must have: Remit's client id at the provider. */
  clientId: string;
  keys: KeySource;
  /** What `remit login` asks for. */
  scopes: readonly string[];
  /** Claim with the person's groups: its name, or a JSON Pointer (RFC 6901) to a nested one. */
  groupsClaim: string;
  /** The authentication contexts that are taken; `null` for any. */
  requiredAcr: readonly string[] | null;
  /** How long ago the person may have signed in; `null` for ever. */
  maxAuthAgeSeconds: number | null;
  /** Whether an agent may take up a task on the provider's word that it acts for a person (ID-JAG). */
  identityAssertions: boolean;
  /** Served by Remit itself; refused without `--dev`. */
  dev: boolean;
};

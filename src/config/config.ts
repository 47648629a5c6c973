import type { Effect } from '../core/effect.ts';
import type { Sensitivity } from '../core/sensitivity.ts';
import type { SpiffeId } from '../core/spiffe-id.ts';
import type { Protocol } from '../core/target-resource.ts';
import type { CredentialConfig } from './credential.ts';
import type { VaultConfig } from './vaults.ts';
import type { EvaluatedOperation } from './evaluated-operation.ts';
import type { HttpOperation } from './http-operation.ts';
import type { OAuthClient, PeopleProvider, TrustDomain, WorkloadIssuer } from './identity-config.ts';
import type { OperationLabels, TargetLabels } from './labels.ts';
import type { FoundSecrets, MintConfig } from './mint.ts';

/** The configuration, parsed once. Paths are absolute. See schema/config.schema.json for the file's form. */
export type Config = {
  /** The file that it came from. */
  file: string;
  server: {
    host: string;
    port: number;
    /** `https://…` or, on a loopback address, `http://…`; without a trailing slash. Issuer of tokens. */
    publicUrl: string;
    /** Certificate chain and key as PEM files, or an X.509-SVID of the Workload API; `null` where TLS ends elsewhere, or nowhere on a loopback address. */
    tls: { certificate: string; key: string } | { workloadApi: string } | null;
    /** Largest request body, bytes. */
    maxBodyBytes: number;
  };
  /** Folder for database, keys and log. */
  dataDir: string;
  /** Folder of `.cedar` files. */
  policies: string;
  /** Folder of profiles, `.yaml` files; `null` when there are none. */
  profiles: string | null;
  policy: {
    /** Decisions that are evaluated again by `cedar-wasm`: their share, 0 to 1, and how many may wait for it. */
    referee: { sample: number; queue: number };
  };
  /** Accepted difference between clocks, seconds. */
  clockSkewSeconds: number;
  identity: {
    /** Trust domains whose SVIDs are accepted, each with its own bundle. */
    trustDomains: TrustDomain[];
    /** Issuers of OIDC tokens that workloads prove themselves with. */
    workloadIssuers: WorkloadIssuer[];
    /** Workloads that sign assertions with keys of their own (`private_key_jwt`). */
    clients: OAuthClient[];
    /** OpenID providers of people. */
    people: PeopleProvider[];
    /**
     * Groups that policies may name, each with the patterns of SPIFFE IDs of the agents in it; people's groups come
     * with their tokens and have none. `null` when the configuration lists no groups: then any name is taken.
     */
    groups: Readonly<Record<string, readonly string[]>> | null;
  };
  token: { lifetimeSeconds: number };
  /** Whether proofs need a nonce (RFC 9449, sections 8 and 9). */
  dpop: { nonce: 'required' | 'off' };
  keys: {
    /** Of the keys that sign tokens. `publishAheadMs`: from a key's publication to its first signature. */
    rotateEveryMs: number;
    publishAheadMs: number;
    /**
     * Where the key comes from that all signing keys are encrypted with, and the one before it. `null`: they are plain
     * files that only their owner can read.
     */
    encryption: { current: EncryptionKeySource; previous: EncryptionKeySource | null } | null;
  };
  /** Whether an agent that nobody has registered may do anything. */
  agents: { unregistered: 'allow' | 'deny' };
  /** `retainMs`: how long entries of the revocation feed are kept. */
  revocations: { retainMs: number };
  tasks: {
    maxLifetimeSeconds: number;
    defaultLifetimeSeconds: number;
    defaultCalls: number;
    /** After how long without use a task ends; `null` for never. */
    idleMs: number | null;
    /** Whether live tasks end that a policy set which comes in force would not have permitted. */
    endWhenPolicyForbids: boolean;
  };
  approvals: {
    lifetimeSeconds: number;
    /** What is asked of the sign-in of who approves something of a sensitivity, beside what policy asks. */
    stepUps: Partial<Record<Sensitivity, { acrValues: string[]; maxAgeSeconds: number | null }>>;
    /** After so many answers in an hour a person is warned, or the yes of another is needed. */
    load: { answersPerHour: number; beyond: 'warn' | 'others' };
    /** Of answers for the next actions alike; `maxUses` 0 for none. */
    standing: { maxUses: number; maxMinutes: number };
    /** Who is told of approvals, each with its own secrets; `approvers` `null` for all approvals. */
    webhooks: { name: string; url: string; secrets: SecretSource[]; approvers: string[] | null }[];
  };
  /** Vaults of others, which credentials may be read from. */
  vaults: VaultConfig[];
  targets: TargetConfig[];
};

/** Where a key-encryption key is: in a file, in an environment variable, or what a command prints. */
export type EncryptionKeySource = { file: string } | { env: string } | { command: readonly string[] };

export type TargetConfig = {
  /** `[a-z][a-z0-9-]*`; not `remit`. */
  name: string;
  /** The protocol that it speaks. */
  kind: Protocol;
  upstream: StdioUpstream | HttpUpstream | NoUpstream;
  /** How an HTTP upstream is authenticated to, beside its fixed headers. */
  credential?: CredentialConfig;
  /** The workload that may introspect tokens for this target, since it checks them itself. */
  resourceServer?: SpiffeId;
  /** Sensitivity of what no operation states. */
  sensitivity: Sensitivity;
  /** Milliseconds until a silent upstream is given up. */
  timeoutMs: number;
  /** Largest answer taken from the upstream, bytes; of an HTTP target, which streams, `Infinity` unless told. */
  maxAnswerBytes: number;
  /**
   * What an upstream may ask of the client during a call. Empty by default: such a request is not decided by policy,
   * and some servers let the client's `roots` replace their own limits.
   */
  /** The target takes an attribution with each call (see docs/telemetry.md). */
  attribution?: boolean;
  clientCapabilities: ('sampling' | 'elicitation' | 'roots')[];
  /** Of the results of operations that say nothing of their own. */
  labels?: TargetLabels;
  /** By operation name. An operation that is not here is denied. */
  operations: Record<string, OperationConfig>;
  /** Operations that nobody has classified yet, by name: denied as those that are not there. */
  unclassified?: string[];
};

export type StdioUpstream = {
  kind: 'stdio';
  command: string;
  args: string[];
  cwd: string;
  /** INVARIANT 13: the whole environment of the process, beside `PATH` and `HOME`. */
  env: Record<string, SecretSource>;
};

export type HttpUpstream = {
  kind: 'http';
  url: string;
  headers: Record<string, SecretSource>;
  /** Of an HTTP target: its addresses may be private ones. */
  private?: boolean;
};

/** Of a target that carries out by itself what is permitted: Remit sends it nothing. */
export type NoUpstream = { kind: 'none' };

/** Where a value is kept. A literal is for what is not secret. */
export type SecretSource = { value: string } | { fromEnv: string } | { fromFile: string };

export type OperationConfig = {
  effect: Effect;
  sensitivity?: Sensitivity;
  /**
   * Templates of resource names: `file:{path|path}`. A placeholder names an argument (`a.b` for nested ones, `paths[]`
   * for each item) and may be normalised: `path` or `url`. All must resolve, or the call is denied.
   */
  resources?: string[];
  /** What is said of its results. */
  labels?: OperationLabels;
  /** Arguments by which the effect lands somewhere, and those whose text is carried there; nested ones as `a.b`. */
  targets?: string[];
  content?: string[];
  /** At an HTTP target, always and only there: how it looks on the wire. */
  http?: HttpOperation;
  /** At an AuthZEN target, always and only there: what it is asked for by. */
  evaluation?: EvaluatedOperation;
  /** What it brings into the world. */
  mints?: MintConfig;
  /** What happens to what looks like a secret in its answers; `hold` unless told. */
  foundSecrets?: FoundSecrets;
};

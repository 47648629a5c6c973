import { z } from 'zod';
import { issuerUrl } from './issuer-url.ts';
import { readPlace, secretPlaceForm, type SecretPlace } from './secret-place.ts';

/** How a target is authenticated to, and where what is secret about it is kept. */
export type CredentialConfig =
  /** `prefix` goes before the value: `Bearer ` and the like. */
  | { kind: 'header'; name: string; prefix: string; value: SecretPlace }
  | { kind: 'query'; name: string; value: SecretPlace }
  /** RFC 7617. */
  | { kind: 'basic'; username: string | SecretPlace; password: SecretPlace }
  /** RFC 6749, section 4.4. */
  | ({ kind: 'oauth_client' } & TokenRequest)
  /** RFC 6749, section 6. The place holds the first refresh token; those that come after it are kept encrypted. */
  | ({ kind: 'refresh_token'; refreshToken: SecretPlace } & TokenRequest)
  /** RFC 8693. `subject`: what is exchanged; of the delegator, Remit states that it acts for them. */
  | ({ kind: 'token_exchange'; subject: 'delegator' | SecretPlace; audience: string | null } & TokenRequest)
  /** draft-ietf-oauth-identity-assertion-authz-grant, section 4.4: `audience` is the issuer of the authorisation server. */
  | ({ kind: 'id_jag'; audience: string } & TokenRequest)
  | {
      kind: 'aws_sigv4';
      region: string;
      service: string;
      accessKeyId: string | SecretPlace;
      secretAccessKey: SecretPlace;
      sessionToken: SecretPlace | null;
    }
  /** PEM texts: the chain, leaf first, and its key. */
  | { kind: 'client_certificate'; certificate: SecretPlace; key: SecretPlace }
  /** RFC 6749, section 4.1, with PKCE: each delegator consents themselves. */
  | ({ kind: 'delegator'; authorizationUrl: string; issuer: string | null } & TokenRequest);

/** What every way of getting a token at the target's own authorisation server has in common. */
export type TokenRequest = {
  tokenUrl: string;
  /** RFC 7009, where the server has it: tokens are revoked there when their task ends. */
  revocationUrl: string | null;
  client: TokenClient;
  /** Asked for. */
  scope: string | null;
  /** RFC 8707. */
  resource: string | null;
};

/** Remit as a client of that server. */
export type TokenClient = {
  id: string;
  proof:
    | { method: 'client_secret_basic' | 'client_secret_post'; secret: SecretPlace }
    /** RFC 7523, section 2.2. `audience`: what the assertion is for; the token endpoint unless told. */
    | { method: 'private_key_jwt'; key: SecretPlace; keyId: string | null; audience: string }
    /** A public client. */
    | { method: 'none' };
};

const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
/** What decides where a request goes or how its body is read is not a credential. */
const NOT_A_CREDENTIAL = new Set(
  'host content-length content-type content-encoding transfer-encoding connection upgrade te trailer expect keep-alive proxy-connection accept-encoding'.split(
    ' ',
  ),
);
const headerName = z
  .string()
  .regex(TOKEN, 'expected the name of a header')
  .refine((name) => !NOT_A_CREDENTIAL.has(name.toLowerCase()), 'expected a header that does not frame the message');
const visible = z.string().regex(/^[\x20-\x7e]*$/, 'expected printable ASCII');
const placeOrText = z.union([z.string().min(1), secretPlaceForm]);

const tokenRequest = {
  token_url: issuerUrl,
  revocation_url: issuerUrl.optional(),
  client_id: z.string().min(1),
  client_secret: secretPlaceForm.optional(),
  client_secret_method: z.enum(['basic', 'post']).default('basic'),
  private_key: secretPlaceForm.optional(),
  key_id: z.string().min(1).optional(),
  assertion_audience: z.string().min(1).optional(),
  scope: visible.min(1).optional(),
  resource: z.url().optional(),
};

/** The form of `credential` in a target file. */
export const credentialForm = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('header'),
      name: headerName,
      prefix: visible.default(''),
      value: secretPlaceForm,
    }),
    z.strictObject({ kind: z.literal('query'), name: z.string().min(1), value: secretPlaceForm }),
    z.strictObject({ kind: z.literal('basic'), username: placeOrText, password: secretPlaceForm }),
    z.strictObject({ kind: z.literal('oauth_client'), ...tokenRequest }),
    z.strictObject({ kind: z.literal('refresh_token'), ...tokenRequest, refresh_token: secretPlaceForm }),
    z.strictObject({
      kind: z.literal('token_exchange'),
      ...tokenRequest,
      subject: z.union([z.literal('delegator'), secretPlaceForm]).default('delegator'),
      audience: z.string().min(1).optional(),
    }),
    z.strictObject({ kind: z.literal('id_jag'), ...tokenRequest, audience: z.string().min(1) }),
    z.strictObject({
      kind: z.literal('aws_sigv4'),
      region: z.string().regex(/^[a-z0-9-]+$/, 'expected a region such as `eu-central-1`'),
      service: z.string().regex(/^[a-z0-9-]+$/, 'expected a service such as `execute-api`'),
      access_key_id: placeOrText,
      secret_access_key: secretPlaceForm,
      session_token: secretPlaceForm.optional(),
    }),
    z.strictObject({ kind: z.literal('client_certificate'), certificate: secretPlaceForm, key: secretPlaceForm }),
    z.strictObject({
      kind: z.literal('delegator'),
      ...tokenRequest,
      authorization_url: issuerUrl,
      issuer: issuerUrl.optional(),
    }),
  ])
  .refine(
    (form) => !('client_secret' in form && 'private_key' in form),
    'expected one of `client_secret` and `private_key`',
  )
  .refine(
    (form) => form.kind !== 'oauth_client' || 'client_secret' in form || 'private_key' in form,
    'expected a `client_secret` or a `private_key`',
  );

type Form = z.output<typeof credentialForm>;

/** @param folder of the target file, which relative paths start from. */
export function readCredential(form: Form, folder: string): CredentialConfig {
  const place = (from: z.output<typeof secretPlaceForm>) => readPlace(from, folder);
  const textOr = (from: z.output<typeof placeOrText>) => (typeof from === 'string' ? from : place(from));
  switch (form.kind) {
    case 'header':
      return { kind: form.kind, name: form.name.toLowerCase(), prefix: form.prefix, value: place(form.value) };
    case 'query':
      return { kind: form.kind, name: form.name, value: place(form.value) };
    case 'basic':
      return { kind: form.kind, username: textOr(form.username), password: place(form.password) };
    case 'aws_sigv4':
      return {
        kind: form.kind,
        region: form.region,
        service: form.service,
        accessKeyId: textOr(form.access_key_id),
        secretAccessKey: place(form.secret_access_key),
        sessionToken: form.session_token === undefined ? null : place(form.session_token),
      };
    case 'client_certificate':
      return { kind: form.kind, certificate: place(form.certificate), key: place(form.key) };
    case 'oauth_client':
      return { kind: form.kind, ...readTokenRequest(form, place) };
    case 'refresh_token':
      return { kind: form.kind, ...readTokenRequest(form, place), refreshToken: place(form.refresh_token) };
    case 'token_exchange':
      return {
        kind: form.kind,
        ...readTokenRequest(form, place),
        subject: form.subject === 'delegator' ? form.subject : place(form.subject),
        audience: form.audience ?? null,
      };
    case 'id_jag':
      return { kind: form.kind, ...readTokenRequest(form, place), audience: form.audience };
    case 'delegator':
      return {
        kind: form.kind,
        ...readTokenRequest(form, place),
        authorizationUrl: form.authorization_url,
        issuer: form.issuer ?? null,
      };
  }
}

type PlaceForm = z.output<typeof secretPlaceForm>;

function readTokenRequest(
  form: Extract<Form, { token_url: string }>,
  place: (from: PlaceForm) => SecretPlace,
): TokenRequest {
  return {
    tokenUrl: form.token_url,
    revocationUrl: form.revocation_url ?? null,
    client: { id: form.client_id, proof: proofOf(form, place) },
    scope: form.scope ?? null,
    resource: form.resource ?? null,
  };
}

function proofOf(
  form: Extract<Form, { token_url: string }>,
  place: (from: PlaceForm) => SecretPlace,
): TokenClient['proof'] {
  if (form.private_key !== undefined) {
    return {
      method: 'private_key_jwt',
      key: place(form.private_key),
      keyId: form.key_id ?? null,
      audience: form.assertion_audience ?? form.token_url,
    };
  }
  if (form.client_secret === undefined) return { method: 'none' };
  const method = form.client_secret_method === 'post' ? 'client_secret_post' : 'client_secret_basic';
  return { method, secret: place(form.client_secret) };
}

/** What is wrong with a credential at this upstream, if anything. */
export function credentialProblem(
  credential: Form | undefined,
  http: { headers: Readonly<Record<string, unknown>> } | null,
  operations: Readonly<
    Record<string, { query?: readonly string[] | undefined; headers?: readonly string[] | undefined }>
  >,
): string | null {
  if (credential === undefined) return null;
  if (http === null) return '`credential` is for an HTTP upstream; a process takes its secrets from `env`';
  const header = headerOf(credential)?.toLowerCase();
  const fixed = Object.keys(http.headers).find((name) => name.toLowerCase() === header);
  if (fixed !== undefined) return `\`${fixed}\` is among the \`headers\` of the upstream too: it cannot be both`;
  for (const [name, { query = [], headers = [] }] of Object.entries(operations)) {
    const taken =
      headers.find((one) => one.toLowerCase() === header) ??
      (credential.kind === 'query' ? query.find((one) => one === credential.name) : undefined);
    // Of two values it would be the target's choice which one it believes.
    if (taken !== undefined) return `\`operations.${name}\`: \`${taken}\` is the target's credential, not an argument`;
  }
  return null;
}

function headerOf(credential: Form): string | undefined {
  if (credential.kind === 'header') return credential.name;
  return credential.kind === 'query' || credential.kind === 'client_certificate' ? undefined : 'authorization';
}

import type { CredentialConfig } from '../config/credential.ts';
import { nameOfPlace } from '../config/secret-place.ts';
import { CredentialUnavailable } from '../core/errors.ts';
import { awsAuthorization, type AwsRequest } from './aws-signature.ts';
import type { Credential, Outgoing } from './credential.ts';
import { headerValue, injected } from './injected.ts';
import { NOT_TO_BE_HAD, type Secrets } from './secrets.ts';

/** Each request is signed; the secret key itself is sent nowhere. */
export function createAwsSigV4(
  config: Extract<CredentialConfig, { kind: 'aws_sigv4' }>,
  { secrets, clock }: { secrets: Secrets; clock: () => number },
): Credential {
  const { kind, region, service, accessKeyId: id, secretAccessKey: place, sessionToken: session } = config;
  return {
    kind,
    // S3 takes a body that is not signed, over TLS.
    signsBody: service !== 's3',
    inject: async (outgoing, { signal }) => {
      const accessKeyId = typeof id === 'string' ? id : (await secrets.read(id, signal)).value;
      const kept = await secrets.read(place, signal);
      const token = session === null ? null : headerValue((await secrets.read(session, signal)).value, session);
      const payload = payloadOf(outgoing, service);
      const set = {
        'x-amz-date': `${new Date(clock()).toISOString().replace(/[-:]|\.\d+/g, '')}`,
        'x-amz-content-sha256': payload,
        ...(token === null ? {} : { 'x-amz-security-token': token }),
      };
      const key = { accessKeyId, secretAccessKey: kept.value, region, service };
      const authorization = sign({ ...requestOf(outgoing, set), payload }, key, nameOfPlace(place));
      const signature = authorization.slice(authorization.lastIndexOf('=') + 1);
      return injected(
        { kind, place, kept },
        {
          headers: { ...set, authorization },
          // With the signature the same request could be made once more, for some minutes.
          secrets: [kept.value, signature, ...(token === null ? [] : [token])],
        },
      );
    },
    refused: () => {
      for (const one of [id, place, session]) if (one !== null && typeof one === 'object') secrets.forget(one);
    },
  };
}

function sign(request: AwsRequest, key: Parameters<typeof awsAuthorization>[1], source: string): string {
  try {
    return awsAuthorization(request, key);
  } catch {
    throw new CredentialUnavailable(NOT_TO_BE_HAD, {
      detail: `secret \`${source}\`: a request cannot be signed whose query is not percent-encoded`,
    });
  }
}

function payloadOf({ bodyDigest, url }: Outgoing, service: string): string {
  if (bodyDigest !== null) return bodyDigest;
  if (service === 's3' && url.startsWith('https:')) return 'UNSIGNED-PAYLOAD';
  throw new CredentialUnavailable(NOT_TO_BE_HAD, { detail: 'the body has to be known before it is signed' });
}

/** Signed are the headers that decide what AWS does; others may be changed on the way. */
function requestOf({ method, url, headers }: Outgoing, set: Readonly<Record<string, string>>) {
  const { host } = new URL(url);
  const [, path = '/', query = ''] = /^[a-z]+:\/\/[^/?#]*([^?#]*)(?:\?([^#]*))?/i.exec(url) ?? [];
  const kept = Object.entries(headers).filter(([name]) => name === 'content-type' || name.startsWith('x-amz-'));
  return { method, path: path === '' ? '/' : path, query, headers: { ...Object.fromEntries(kept), ...set, host } };
}

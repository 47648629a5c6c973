import { createHash, createHmac } from 'node:crypto';

const ALGORITHM = 'AWS4-HMAC-SHA256';

export type AwsKey = { accessKeyId: string; secretAccessKey: string; region: string; service: string };

/** What is signed. */
export type AwsRequest = {
  method: string;
  /** As it is sent, from the slash; without query. */
  path: string;
  /** As it is sent, without the question mark. */
  query: string;
  /** The headers that are signed, `host` and `x-amz-date` among them; names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** Lower-case hex SHA-256 of the body, or what stands for it. */
  payload: string;
};

/**
 * `Authorization` of AWS Signature Version 4. `x-amz-date` gives the time, as `YYYYMMDDTHHMMSSZ`.
 *
 * @throws URIError for a query that is not percent-encoded.
 */
export function awsAuthorization(request: AwsRequest, key: AwsKey): string {
  const at = request.headers['x-amz-date'] ?? '';
  const day = at.slice(0, 8);
  const scope = `${day}/${key.region}/${key.service}/aws4_request`;
  const names = Object.keys(request.headers).toSorted();
  const canonical = [
    request.method,
    canonicalPath(request.path, key.service),
    canonicalQuery(request.query),
    ...names.map((name) => `${name}:${(request.headers[name] ?? '').trim().replace(/ +/g, ' ')}`),
    '',
    names.join(';'),
    request.payload,
  ].join('\n');
  const signed = [ALGORITHM, at, scope, createHash('sha256').update(canonical).digest('hex')].join('\n');
  const signature = hmac(signingKey(key, day), signed).toString('hex');
  return `${ALGORITHM} Credential=${key.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
}

function signingKey({ secretAccessKey, region, service }: AwsKey, day: string): Buffer {
  return [day, region, service, 'aws4_request'].reduce<Buffer>(hmac, Buffer.from(`AWS4${secretAccessKey}`));
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** All services but S3 encode what is sent, encoded as it is, once more. */
function canonicalPath(path: string, service: string): string {
  return service === 's3' ? path : path.split('/').map(encoded).join('/');
}

function canonicalQuery(query: string): string {
  return query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const at = pair.indexOf('=');
      const [name, value] = at === -1 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
      return [encoded(decodeURIComponent(name)), encoded(decodeURIComponent(value))] as const;
    })
    .toSorted(([a, av], [b, bv]) => compare(a, b) || compare(av, bv))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** RFC 3986, section 2.3: everything but the unreserved characters. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

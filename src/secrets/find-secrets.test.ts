import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findSecrets } from './find-secrets.ts';

const found = (text: string) =>
  findSecrets(text).map(({ start, end, rule, certainty }) => [text.slice(start, end), rule, certainty]);

/** What would be acted on: all but what is public as often as secret. */
const acted = (text: string) => findSecrets(text).filter(({ certainty }) => certainty !== 'possible');

// Strings are put together so that no scanner of repositories takes this file for a leak.
const GITHUB = ['ghp', 'k3J9xQ2mV7bT5nR8wL4zP6cY1dF0gH3sA2qE'].join('_');
const JWT = ['eyJhbGciOiJFUzI1NiJ9', 'eyJzdWIiOiJhbGljZSJ9', 'c2lnbmF0dXJlLW9mLWEtdGVzdA'].join('.');
const PEM = (label: string) =>
  `-----BEGIN ${label}-----\n${'MIIEvQIBADANBgkqhkiG9w0B'.repeat(3)}\n-----END ${label}-----`;

describe('findSecrets', () => {
  it('finds tokens by their format, wherever they stand', () => {
    expect(found(`remote: use ${GITHUB}.`)).toEqual([[GITHUB, 'github-pat', 'certain']]);
    expect(found(`https://x.example.com/?t=${GITHUB}&u=1`)).toEqual([[GITHUB, 'github-pat', 'certain']]);
    expect(found(`a%3D${GITHUB}%26`)).toEqual([[GITHUB, 'github-pat', 'certain']]);
    expect(found(`"line\\n${GITHUB}\\n"`)).toEqual([[GITHUB, 'github-pat', 'certain']]);
    const another = `x${GITHUB}`;
    expect(found(another), 'in the middle of a word').toEqual([[another, 'prefixed-token', 'likely']]);
    expect(found(JWT)).toEqual([[JWT, 'jwt', 'certain']]);
    expect(found(PEM('EC PRIVATE KEY'))).toEqual([[PEM('EC PRIVATE KEY'), 'private-key', 'certain']]);
    expect(found(PEM('PUBLIC KEY'))).toEqual([]);
  });

  it.each([
    ['apiKey: "k8Jd02hGs71Lq9Zx44vB"', 'k8Jd02hGs71Lq9Zx44vB', 'named-secret'],
    ['CLIENT_SECRET=k8Jd02hGs71Lq9Zx44vB', 'k8Jd02hGs71Lq9Zx44vB', 'named-secret'],
    ['{"secret_access_key":"k8Jd02hGs71Lq9Zx44vB"}', 'k8Jd02hGs71Lq9Zx44vB', 'named-secret'],
    ['"{\\"token\\":\\"k8Jd02hGs71Lq9Zx44vB\\"}"', 'k8Jd02hGs71Lq9Zx44vB', 'named-secret'],
    ['<apiKey>k8Jd02hGs71Lq9Zx44vB</apiKey>', 'k8Jd02hGs71Lq9Zx44vB', 'named-secret'],
    ['<add key="ApiKey" value="k8Jd02hGs71Lq9Zx44vB" />', 'k8Jd02hGs71Lq9Zx44vB', 'named-secret'],
    ['- name: DB_TOKEN\n  value: k8Jd02hGs71Lq9Zx44vB', 'k8Jd02hGs71Lq9Zx44vB', 'named-secret'],
    ['set("apiToken", "k8Jd02hGs71Lq9Zx44vB")', 'k8Jd02hGs71Lq9Zx44vB', 'named-secret'],
    ['tool --api-token k8Jd02hGs71Lq9Zx44vB', 'k8Jd02hGs71Lq9Zx44vB', 'named-secret'],
    ['Your new API key is: k8Jd02hGs71Lq9Zx44vB', 'k8Jd02hGs71Lq9Zx44vB', 'named-secret'],
    ['The token is k8Jd02hGs71Lq9Zx44vB', 'k8Jd02hGs71Lq9Zx44vB', 'named-secret'],
    ['Token:\n\n  k8Jd02hGs71Lq9Zx44vB\n', 'k8Jd02hGs71Lq9Zx44vB', 'named-secret'],
    ['Authorization: Bearer k8Jd02hGs71Lq9Zx44vB', 'k8Jd02hGs71Lq9Zx44vB', 'named-secret'],
    ['Authorization: Basic YWRtaW46cHc=', 'YWRtaW46cHc=', 'named-secret'],
    ['password = "h4mster-wheel!"', 'h4mster-wheel!', 'named-password'],
    ['Server=db;User Id=sa;Password=Str0ng!Pass;', 'Str0ng!Pass', 'named-password'],
    ['postgres://app:s3cr3tPw@db:5432/x', 's3cr3tPw', 'url-password'],
    ['curl -u developer:yqDVt7kqPE https://x', 'yqDVt7kqPE', 'curl-user'],
    ['kind: Secret\ndata:\n  anything: MWYyZDFlMmU2N2Rm\n', 'MWYyZDFlMmU2N2Rm', 'kubernetes-secret'],
    ['stripe: k8Jd02hGs71Lq9Zx44vB', 'k8Jd02hGs71Lq9Zx44vB', 'named-issuer'],
    ["setApiKey('k8Jd02hGs71Lq9Zx44vB')", 'k8Jd02hGs71Lq9Zx44vB', 'named-secret'],
    ['let apiToken: String = "k8Jd02hGs71Lq9Zx44vB"', 'k8Jd02hGs71Lq9Zx44vB', 'named-secret'],
    ["secret_key = b'k8Jd02hGs71Lq9Zx44vB'", 'k8Jd02hGs71Lq9Zx44vB', 'named-secret'],
    ['newsapi_key=k8Jd02hGs71Lq9Zx44vB', 'k8Jd02hGs71Lq9Zx44vB', 'named-secret'],
    ['PGPASSWORD=k8Jd02hG psql', 'k8Jd02hG', 'named-password'],
    ['{"auth":"YWRtaW46aHVudGVyMg=="}', 'YWRtaW46aHVudGVyMg==', 'named-hint'],
    ['ENV API_TOKEN k8Jd02hGs71Lq9Zx44vB', 'k8Jd02hGs71Lq9Zx44vB', 'named-secret'],
    ['variable "db_password" {\n  default = "k8Jd02hGs71L"\n}', 'k8Jd02hGs71L', 'named-secret'],
    ['machine x.example login ci password k8Jd02hGs71L', 'k8Jd02hGs71L', 'netrc-password'],
    ['db.internal:5432:app:app:k8Jd02hGs71L', 'k8Jd02hGs71L', 'pgpass-password'],
    ['mysqldump -u backup -pk8Jd02hGs71L shop', 'k8Jd02hGs71L', 'command-password'],
    ["sshpass -p 'k8Jd02hGs71L' ssh x", 'k8Jd02hGs71L', 'command-password'],
    ['header "Bearer k8Jd02hGs71Lq9Zx44vB"', 'k8Jd02hGs71Lq9Zx44vB', 'bearer-token'],
    [
      'use acme_k8Jd02hGs71Lq9Zx44vBk8Tf02hGs71Lq9Zx now',
      'acme_k8Jd02hGs71Lq9Zx44vBk8Tf02hGs71Lq9Zx',
      'prefixed-token',
    ],
  ])('finds what a name or a place says: %s', (text, value, rule) => {
    expect(found(text)).toEqual([[value, rule, 'likely']]);
  });

  it.each([
    'token: ${API_TOKEN_1}',
    'token: {{ .Values.token1 }}',
    'token: <your-token-1234>',
    'api_key = os.environ["API_KEY_2"]',
    'Authorization: Bearer YOUR_ACCESS_TOKEN_1234567',
    'token: getToken2(user)',
    `${GITHUB.slice(0, 4)}${'x'.repeat(36)}`,
    `${GITHUB.slice(0, 4)}abcdefghijklmnopqrstuvwxyz0123456789`,
    'public_key = "9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit"',
    'csrf_token=Mj2qykJO5rELyHgezQ69nzUX0i3OH67V7',
    'nextPageToken: CAUQAA3k9df2xcv7w8r',
    'nextpagetoken=Mj2qykJO5rELyHgezQ69nzUX0i3OH67V7',
    'csrfmiddlewaretoken=Mj2qykJO5rELyHgezQ69nzUX0i3OH67V7',
    '"total_tokens": 123456789012',
    'secret_name: prod-db-2024-credentials',
    'token_url: https://login.example.com/oauth2/v2/token',
    'passwordHash: 5f4dcc3b5aa765d61d8327deb882cf99',
    'password: must be at least 8 characters',
    '"sha": "c2b1a0f9e8d7c6b5a493827160594837261504f3"',
    'author = "james@mail.example.com"',
    'tokenizer: cl100k_base_v2_1234',
    'monkeys: 9Cnzj4p4WGeKLs1Pt8QuK',
    'https://user:password@example.com/',
    'curl -u "${NAME}:${PASSWORD}" https://x',
    'src="assets/logo.ico-7a388b69018576d24b59331fd60aab0c.png"',
    'TODAYINASIAASACKOFRICEFELLOVER',
    'pk_live_k8Jd02hGs71Lq9Zx44vBk8Tf02hGs71Lq9Zx',
    'cache-k8Jd02hGs71Lq9Zx44vB',
    'main-5f4dcc3b5aa765d61d8327deb882cf995f4dcc3b',
    'getSecret("database-password-of-production")',
    '{"kty":"EC","crv":"P-256","x":"k8Jd02hGs71Lq9Zx44vBk8Tf02hGs71Lq9Zx44vB"}',
    'Bearer realm="interfaces-of-the-house"',
    'const TOKEN = /^[A-Za-z0-9_-]{20,}$/;',
    '-----BEGIN PRIVATE KEY-----\nanything\n-----END PRIVATE KEY-----',
  ])('takes nothing for a secret that is none: %s', (text) => {
    expect(acted(text)).toEqual([]);
  });

  it('says `possible` of what is public as often as secret', () => {
    const key = ['AIza', 'SyC3kXq9mV7bT5nR8wL4zP6cY1dF0gH3sA2'].join('');
    expect(found(`src="https://maps.example.com/?k=${key}"`)).toEqual([[key, 'google-api-key', 'possible']]);
    expect(found(`api_key: ${key}`), 'unless it is named a secret').toEqual([[key, 'named-secret', 'likely']]);
    expect(found('key: k8Jd02hGs71Lq9Zx44vB')).toEqual([['k8Jd02hGs71Lq9Zx44vB', 'named-hint', 'possible']]);
  });

  it('finds one secret once, whole, by the surest of the rules that found it', () => {
    expect(found(`Authorization: Bearer ${JWT}`)).toEqual([[JWT, 'jwt', 'certain']]);
    const both = `{"github_token":"${GITHUB}","password":"h4mster-wheel!"}`;
    expect(found(both).map(([value]) => value)).toEqual([GITHUB, 'h4mster-wheel!']);
  });

  it('stays within the text and in order, whatever the text is', () => {
    const pieces = fc.constantFrom(
      'token',
      'password=',
      '"',
      "'",
      ': ',
      '\n',
      '://u:p4ss@',
      GITHUB,
      JWT,
      'eyJ',
      '-----BEGIN PRIVATE KEY-----',
      'curl -u ',
      'Q~',
      'kind: Secret\ndata:\n',
      'k8Jd02hGs71Lq9Zx44vB',
      'é',
      '\ud800',
      '\0',
      '\\',
      'value',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 20 }), (parts) => {
        const text = parts.join('');
        let last = 0;
        for (const { start, end } of findSecrets(text)) {
          expect(start).toBeGreaterThanOrEqual(last);
          expect(end).toBeGreaterThan(start);
          expect(end).toBeLessThanOrEqual(text.length);
          last = end;
        }
      }),
      { numRuns: 150 },
    );
  });

  it('finds what is planted, whatever stands around it', () => {
    const words = fc.array(fc.lorem({ maxCount: 3 }), { maxLength: 10 });
    fc.assert(
      fc.property(words, words, (before, after) => {
        const text = `${before.join('\n')}\n${GITHUB}\n${after.join('\n')}`;
        expect(found(text).map(([value]) => value)).toContain(GITHUB);
      }),
      { numRuns: 100 },
    );
  });

  // Each would outlast the test if a place were read as often as the text is long.
  it.each([
    'a',
    'key=',
    'token:',
    'token="',
    "token='a",
    'eyJ',
    'eyJ.',
    'eyJhbGciOiJ9.',
    '://a:b',
    'ops_eyJ/',
    ' ',
    '\n---',
    '-----BEGIN RSA PRIVATE KEY-----\n',
    `-----BEGIN PRIVATE KEY-----${'A'.repeat(60)}`,
    'A-',
    'curl -u a:b ',
    '--a ',
    'kind: Secret\ndata:\n',
    ' aaaa.aaaa',
    'Q~',
    'ghp_/',
    'name: value: ',
    '\0\xff',
    '{"a":',
    'Bearer ',
    'Bearer a',
    'mysql ',
    'ldapx ',
    'variable "a" {',
    'machine a login b ',
    '"kty"',
    '"kty":"d":"',
    'a:1:b:c:\n',
    'aa_aa-',
    ':AA',
    'sig=',
    'set("',
  ])('reads 100,000 characters of %j in one go', (piece) => {
    const text = piece.repeat(Math.ceil(1e5 / piece.length));
    expect(acted(text).length).toBeLessThan(text.length);
    expect(acted(`kind: Secret\ndata:\n${text.slice(0, 2e4)}`).length).toBeLessThan(text.length);
  });
});

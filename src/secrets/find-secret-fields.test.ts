import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../core/json.ts';
import { findSecretFields } from './find-secret-fields.ts';

const found = (value: JsonValue) =>
  findSecretFields(value).map(({ path, start, end, rule, certainty }) => [path.join('/'), start, end, rule, certainty]);

const SECRET = 'k8Jd02hGs71Lq9Zx44vB';

describe('findSecretFields', () => {
  it('finds texts whose member is named like a secret, whole', () => {
    expect(found({ id: 7, key: { apiKey: SECRET, name: 'ci' } })).toEqual([
      ['key/apiKey', 0, 20, 'field-secret', 'likely'],
    ]);
    expect(found({ tokens: [SECRET, 'none'] })).toEqual([['tokens/0', 0, 20, 'field-secret', 'likely']]);
    expect(found({ api_key: { value: SECRET } }), 'the outer name').toEqual([
      ['api_key/value', 0, 20, 'field-secret', 'likely'],
    ]);
    expect(found([{ name: 'DB_PASSWORD', value: 'h4mster!' }]), 'the label beside it').toEqual([
      ['0/value', 0, 8, 'field-password', 'likely'],
    ]);
    expect(found({ kind: 'Secret', data: { any: 'c2VjcmV0' } })).toEqual([
      ['data/any', 0, 8, 'kubernetes-secret', 'likely'],
    ]);
  });

  it('finds secrets within texts of other members, in the order of the value', () => {
    const text = `made: token=${SECRET} for you`;
    expect(found({ content: [{ type: 'text', text }, { password: 'h4mster!' }] })).toEqual([
      ['content/0/text', 12, 32, 'named-secret', 'likely'],
      ['content/1/password', 0, 8, 'field-password', 'likely'],
    ]);
  });

  it('takes no ticket, count, link or placeholder for one', () => {
    const none = {
      token_url: 'https://login.example.com/token',
      ticket: 'OPS-1234',
      nextPageToken: 'CAUQAA3k9df2xcv7w8r',
      secret_id: '8f3a9c1e-7b2d-4056-8f3a-9c1e7b2d4056',
      password: '********',
      token: 12345678901234,
      __proto__: null,
    };
    expect(findSecretFields(none)).toEqual([]);
  });

  it('follows a value that is nested very deeply', () => {
    let value: JsonValue = { token: SECRET };
    for (let depth = 0; depth < 100_000; depth++) value = [value];
    expect(findSecretFields(value)).toMatchObject([{ rule: 'field-secret' }]);
  });
});

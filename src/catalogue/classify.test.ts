import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EFFECTS } from '../core/effect.ts';
import { classify, type Described } from './classify.ts';

const effectOf = (described: Described) => classify(described).effect;

describe('a verb says what an operation does', () => {
  test.each<[string, string]>([
    ['create_or_update_file', 'write'],
    ['users.messages.send', 'send'],
    ['slack_post_message', 'send'],
    ['pods-exec', 'execute'],
    ['message_delete', 'delete'],
    ['get_or_create_channel', 'write'],
    ['search_and_replace', 'write'],
    ['pauseResumeCluster', 'write'],
    ['generateApiKey', 'mint'],
    ['sign_in', 'mint'],
    ['handoff_to_agent', 'delegate'],
    ['rerequestReview', 'write'],
    ['listDeletedUsers', 'read'],
    ['get_update_history', 'read'],
    ['lookupByEmail', 'read'],
    ['synchroniseAccounts', 'write'],
  ])('%s is a %s', (name, effect) => {
    expect(effectOf({ name })).toBe(effect);
  });
});

describe('the method is no proxy for the effect', () => {
  test.each<[string, Described]>([
    ['delete', { name: 'auth_revoke', method: 'GET', path: '/auth.revoke', summary: 'Revokes a token.' }],
    ['write', { name: 'views_open', method: 'GET', path: '/views.open' }],
    ['execute', { name: 'connectPodExec', method: 'GET', path: '/pods/{name}/exec' }],
    ['write', { name: 'verifyEmail', method: 'GET', path: '/verify-email' }],
    ['read', { name: 'searchIssues', method: 'POST', path: '/search', summary: 'Search for issues' }],
    ['read', { name: 'lint', method: 'POST', path: '/ci/lint', summary: 'Validation of a configuration' }],
    ['read', { name: 'checkIfMerged', method: 'GET', path: '/pulls/{id}/merge', summary: 'Check if it is merged' }],
    ['delete', { name: 'postItemsRemove', method: 'POST', path: '/items/remove' }],
    ['execute', { name: 'op17', method: 'POST', path: '/jobs/{id}:run' }],
    ['delete', { name: 'op18', method: 'POST', path: '/?Action=DeleteUser' }],
    ['write', { name: 'getThing', method: 'PUT', path: '/things/{id}' }],
    ['write', { name: 'createIssue', method: 'MUTATION' }],
  ])('%s: %o', (effect, described) => {
    expect(effectOf(described)).toBe(effect);
  });
});

describe('what is not sure is the more dangerous', () => {
  test('nothing said, or a word that nobody knows, is a write and a guess', () => {
    for (const name of ['zap', 'x', '', '操作', '__proto__', 'constructor']) {
      expect(classify({ name })).toMatchObject({ effect: 'write', certainty: 'guess' });
    }
  });

  test('a name that reads beside a text that changes is a change', () => {
    expect(classify({ name: 'get_report', description: 'Deletes the report.' })).toMatchObject({
      effect: 'delete',
      certainty: 'guess',
    });
    expect(effectOf({ name: 'get_message', description: 'Retrieves the message and marks it as read.' })).toBe('write');
    expect(
      effectOf({ name: 'get_user', description: 'Finds a user.\nThis tool also creates the user if absent.' }),
    ).toBe('write');
  });

  test.each<[string, Described]>([
    ['delete', { name: 'get_status', description: 'Returns the status. Deletes the job afterwards.' }],
    ['delete', { name: 'getStatus', method: 'GET', summary: 'Get status', description: 'This also removes the job.' }],
    ['write', { name: 'get_status', description: 'Gets the status.\nSide effect: resets the counter.' }],
    ['write', { name: 'device', method: 'GET', summary: 'Frobnicates the device' }],
    ['read', { name: 'get_status', description: 'Gets the status. It does not delete the job.' }],
    ['read', { name: 'get_status', description: 'Gets the status. Delete the job first with delete_job.' }],
  ])('what a description adds, or what nobody knows, counts: %s, %o', (effect, described) => {
    expect(effectOf(described)).toBe(effect);
  });

  test('an argument that chooses what is done, or is run, counts', () => {
    const schema = (name: string, member: object) => ({ type: 'object', properties: { [name]: { ...member } } });
    const tabs = { name: 'list_tabs', description: 'List tabs.' };
    expect(effectOf({ ...tabs, inputSchema: schema('action', { enum: ['list', 'close'] }) })).toBe('write');
    expect(effectOf({ ...tabs, inputSchema: schema('action', { enum: ['list', 'get'] }) })).toBe('read');
    expect(effectOf({ name: 'query', inputSchema: schema('sql', { type: 'string' }) })).toBe('execute');
  });

  test('a secret in the answer of anything but a plain request is minted', () => {
    const outputSchema = { properties: { data: { items: { properties: { client_secret: { type: 'string' } } } } } };
    expect(classify({ name: 'addWebhook', method: 'POST', outputSchema })).toMatchObject({
      effect: 'mint',
      sensitivity: 'restricted',
    });
    expect(classify({ name: 'getWebhook', method: 'GET', outputSchema })).toMatchObject({
      effect: 'read',
      sensitivity: 'restricted',
    });
    expect(effectOf({ name: 'GetSessionToken', method: 'GET', outputSchema })).toBe('mint');
    expect(effectOf({ name: 'deleteTrigger', method: 'DELETE', outputSchema })).toBe('delete');
  });
});

describe('a server is believed only when it says that its tool is worse than it looks', () => {
  test('readOnlyHint: false makes a reading a write; readOnlyHint: true makes nothing a reading', () => {
    const search = { name: 'search_files', description: 'Searches files.' };
    expect(effectOf({ ...search, hints: { readOnlyHint: false } })).toBe('write');
    expect(effectOf({ ...search, hints: { destructiveHint: true } })).toBe('write');
    expect(effectOf({ name: 'delete_file', hints: { readOnlyHint: true, destructiveHint: false } })).toBe('delete');
    const { why, ...guess } = classify({ name: 'zap', hints: { readOnlyHint: true } });
    expect(classify({ name: 'zap' })).toMatchObject(guess);
    expect(why).toContain('the server says that it only reads, which is not believed');
  });

  test('whatever it says, nothing becomes a reading that was none', () => {
    const words = fc.array(fc.constantFrom('get', 'list', 'delete', 'send', 'open', 'user', 'token', 'zap', 'status'));
    fc.assert(
      fc.property(
        words,
        fc.string(),
        fc.anything(),
        fc.anything(),
        (name, description, readOnlyHint, destructiveHint) => {
          const described = { name: name.join('_'), description };
          const hinted = effectOf({ ...described, hints: { readOnlyHint, destructiveHint } });
          expect(hinted === 'read' && effectOf(described) !== 'read').toBe(false);
        },
      ),
      { numRuns: 200 },
    );
  });
});

test('nothing that a document can say breaks it, and it says why', () => {
  const text = fc.option(fc.string({ unit: 'grapheme', maxLength: 200 }), { nil: undefined });
  const anything = fc.record({
    name: fc.string({ unit: 'grapheme' }),
    method: fc.option(fc.constantFrom('GET', 'post', 'DELETE', 'BREW'), { nil: undefined }),
    path: text,
    summary: text,
    description: text,
    scopes: fc.option(fc.array(fc.string()), { nil: undefined }),
    inputSchema: fc.option(fc.dictionary(fc.string(), fc.jsonValue()), { nil: undefined }),
    outputSchema: fc.option(fc.dictionary(fc.string(), fc.jsonValue()), { nil: undefined }),
  });
  fc.assert(
    // A dictionary of JSON values is a JSON object.
    fc.property(anything, (described) => {
      const { effect, why } = classify(described as Described);
      expect(EFFECTS).toContain(effect);
      expect(why).not.toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test('a schema that is a graph, or huge, is read in bounded time', () => {
  const schema: Record<string, unknown> = { type: 'object' };
  schema.properties = { self: schema, next: { items: schema }, token: { type: 'string' } };
  expect(classify({ name: 'createToken', outputSchema: schema as never }).effect).toBe('mint');
  expect(effectOf({ name: 'a'.repeat(1_000_000), description: ' to'.repeat(1_000_000) })).toBe('write');
});

describe('sensitivity', () => {
  test.each<[string, Described]>([
    ['restricted', { name: 'create_api_key' }],
    ['restricted', { name: 'listAccessKeys' }],
    ['restricted', { name: 'put_org_secret' }],
    ['confidential', { name: 'list_invoices' }],
    ['internal', { name: 'list_labels' }],
    ['public', { name: 'list_gitignore_templates' }],
  ])('%s: %o', (sensitivity, described) => {
    expect(classify(described).sensitivity).toBe(sensitivity);
  });
});

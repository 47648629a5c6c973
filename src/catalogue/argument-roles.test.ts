import { expect, test } from 'vitest';
import type { JsonObject } from '../core/json.ts';
import { argumentRoles, roleAt, type ArgumentRole } from './argument-roles.ts';

test.each<[string, JsonObject, ArgumentRole]>([
  ['recipient', { type: 'string' }, 'target'],
  ['userEmail', { type: 'string' }, 'target'],
  ['file_path', { type: 'string' }, 'target'],
  ['issue_number', { type: 'integer' }, 'target'],
  ['id', { type: 'integer' }, 'target'],
  ['item_ids', { type: 'array', items: { type: 'string' } }, 'target'],
  ['body', { type: 'string' }, 'content'],
  ['commit_message', { type: 'string' }, 'content'],
  ['amount', { type: 'number' }, 'measure'],
  ['start_time', { type: 'string' }, 'measure'],
  ['dry_run', { type: 'boolean' }, 'measure'],
  ['state', { enum: ['open', 'closed'] }, 'measure'],
  ['limit', { anyOf: [{ type: 'integer' }, { type: 'null' }] }, 'measure'],
  ['when', { type: 'string', format: 'date-time' }, 'measure'],
  ['password', { type: 'string' }, 'setting'],
  ['hotel', { type: 'string' }, 'setting'],
  ['street', { anyOf: [{ type: 'string' }, { type: 'null' }] }, 'setting'],
  ['anything', {}, 'setting'],
  ['otp', { type: 'string' }, 'proof'],
  ['start', { type: 'string' }, 'measure'],
  ['startsAt', { type: 'string' }, 'measure'],
  ['start_url', { type: 'string' }, 'target'],
  ['message', { type: 'string', description: 'ID of the message' }, 'target'],
  ['message', { type: 'string', description: 'Identity card number is not asked for' }, 'content'],
  ['verificationCode', { type: 'string' }, 'proof'],
])('%s %j is a %s', (name, schema, role) => {
  expect(argumentRoles({ type: 'object', properties: { [name]: schema } })).toEqual({ [name]: role });
});

test('without a schema there is none', () => {
  expect(argumentRoles(undefined)).toEqual({});
  expect(argumentRoles({ properties: 'none' })).toEqual({});
});

test('what stands beside it says what a place and a reference are', () => {
  const rolesOf = (...names: string[]) =>
    argumentRoles({ properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])) });
  expect(rolesOf('location', 'starts_at')).toMatchObject({ location: 'content' });
  expect(rolesOf('location', 'size')).toMatchObject({ location: 'setting' });
  expect(rolesOf('reference', 'amount')).toMatchObject({ reference: 'content' });
  expect(rolesOf('reference')).toMatchObject({ reference: 'setting' });
});

test.each<[string[], string | number, ArgumentRole]>([
  [['check_in'], '2026-05-04', 'measure'],
  [['to'], '2026-05-06 10:00', 'measure'],
  [['to'], 'friday@evil.example', 'target'],
  [['slot'], 'tomorrow 08:00-10:00', 'measure'],
  [['slot'], 'Friday market', 'setting'],
  [['id'], '2026-05-04', 'target'],
  [['message'], 'm44', 'target'],
  [['message'], 'see m44 please', 'content'],
  [['recipient'], 'x', 'target'],
  [['payments', 'payment_id'], 'x', 'target'],
  [['payments', 'amount'], 5, 'measure'],
  [['attachments', 'file_id'], 'x', 'content'],
  [['message', 'to'], 'x', 'target'],
  [['message', 'toRecipients', 'emailAddress', 'address'], 'x', 'target'],
  [['message', 'body', 'content'], 'x', 'content'],
  [['path', 'user'], 'x', 'target'],
  [['constructor'], 'x', 'setting'],
])('of a value at %j', (path, value, role) => {
  expect(roleAt({ attachments: 'content', payments: 'setting' }, path, value)).toBe(role);
});

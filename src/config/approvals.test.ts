import { expect, test } from 'vitest';
import { approvalsForm, readApprovals } from './approvals.ts';

const read = (form: unknown, dev = false) =>
  readApprovals(approvalsForm.parse(form), { file: '/etc/remit/remit.yaml', dev });
const hook = (change: object = {}) => ({
  name: 'chat',
  url: 'https://chat.example/hook?room=1',
  secret: { from_file: 'secrets/chat' },
  ...change,
});

test('nothing said is ten minutes, thirty answers an hour, ten uses, and nobody told', () => {
  expect(read(undefined)).toEqual({
    lifetimeSeconds: 600,
    load: { answersPerHour: 30, beyond: 'warn' },
    standing: { maxUses: 10, maxMinutes: 30 },
    webhooks: [],
    stepUps: {},
  });
});

test('webhooks with their secrets, and stronger sign-ins by sensitivity', () => {
  expect(
    read({
      webhooks: [hook({ previous_secret: { from_env: 'OLD' }, approvers: ['security'] })],
      step_up: { restricted: { acr_values: ['phr'], max_age_seconds: 60 }, confidential: { max_age_seconds: 600 } },
    }),
  ).toMatchObject({
    webhooks: [
      {
        name: 'chat',
        url: 'https://chat.example/hook?room=1',
        secrets: [{ fromFile: '/etc/remit/secrets/chat' }, { fromEnv: 'OLD' }],
        approvers: ['security'],
      },
    ],
    stepUps: {
      restricted: { acrValues: ['phr'], maxAgeSeconds: 60 },
      confidential: { acrValues: [], maxAgeSeconds: 600 },
    },
  });
  expect(read({ webhooks: [hook({ url: 'http://127.0.0.1:8090/' })] }, true).webhooks).toHaveLength(1);
});

test.each<[string, object]>([
  ['a plain URL', { webhooks: [hook({ url: 'http://chat.example/' })] }],
  ['a plain loopback URL without --dev', { webhooks: [hook({ url: 'http://127.0.0.1:8090/' })] }],
  ['another scheme', { webhooks: [hook({ url: 'file:///etc/passwd' })] }],
  ['credentials in the URL', { webhooks: [hook({ url: 'https://a:b@chat.example/' })] }],
  ['no URL', { webhooks: [hook({ url: 'chat' })] }],
  ['a secret in the file itself', { webhooks: [hook({ secret: { value: 'whsec_x' } })] }],
  ['no secret', { webhooks: [hook({ secret: undefined })] }],
  ['a name twice', { webhooks: [hook(), hook({ url: 'https://other.example/' })] }],
  ['a name that is none', { webhooks: [hook({ name: 'Chat Room' })] }],
  ['approvers that are nobody', { webhooks: [hook({ approvers: [] })] }],
  ['a step-up that asks for nothing', { step_up: { restricted: {} } }],
  ['a step-up that asks for nothing in a list', { step_up: { restricted: { acr_values: [] } } }],
  ['an acr value with a quote', { step_up: { restricted: { acr_values: ['a"b'] } } }],
  ['a sensitivity that there is not', { step_up: { secret: { acr_values: ['phr'] } } }],
  ['an age of nothing', { step_up: { restricted: { max_age_seconds: 0 } } }],
  ['a load of nothing', { load: { answers_per_hour: 0 } }],
  ['a load with another end', { load: { beyond: 'ignore' } }],
  ['more uses than can be meant', { standing: { max_uses: 101 } }],
  ['a field that there is not', { webhook: [] }],
])('%s is refused', (_name, form) => {
  expect(() => read(form)).toThrow();
});

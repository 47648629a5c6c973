import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { SENSITIVITIES } from '../core/sensitivity.ts';
import { InvalidConfig } from '../core/errors.ts';
import type { Config, SecretSource } from './config.ts';
import { isLoopbackHttp } from './issuer-url.ts';

const stepUpForm = z
  .strictObject({
    acr_values: z.array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'expected a value without blanks')).optional(),
    max_age_seconds: z.number().int().min(1).optional(),
  })
  .refine((form) => (form.acr_values ?? []).length > 0 || form.max_age_seconds !== undefined, {
    message: 'expected `acr_values`, `max_age_seconds` or both',
  });

const webhookUrl = z
  .string()
  .refine((text) => isHttps(text) || isLoopbackHttp(text), 'expected an https URL without fragment or credentials');

/** A query may be part of it: chat systems put what routes a message there. */
function isHttps(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hash, username, password } = new URL(text);
  return protocol === 'https:' && hash === '' && username === '' && password === '';
}

const secretForm = z.union([
  z.strictObject({ from_env: z.string().min(1) }),
  z.strictObject({ from_file: z.string().min(1) }),
]);

const webhookForm = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'expected a name of a-z, 0-9 and -, starting with a letter'),
  url: webhookUrl,
  secret: secretForm,
  previous_secret: secretForm.optional(),
  approvers: z.array(z.string().min(1)).min(1).optional(),
});

export const approvalsForm = z
  .strictObject({
    lifetime_minutes: z.number().positive().max(60).default(10),
    load: z
      .strictObject({
        answers_per_hour: z.number().int().min(1).default(30),
        beyond: z.enum(['warn', 'others']).default('warn'),
      })
      .prefault({}),
    standing: z
      .strictObject({
        max_uses: z.number().int().min(0).max(100).default(10),
        max_minutes: z.number().int().min(1).max(120).default(30),
      })
      .prefault({}),
    webhooks: z.array(webhookForm).max(20).default([]),
    step_up: z.partialRecord(z.enum(SENSITIVITIES), stepUpForm).default({}),
  })
  .prefault({});

/** @throws InvalidConfig for a name used twice, or a plain URL without --dev. */
export function readApprovals(
  form: z.output<typeof approvalsForm>,
  { file, dev }: { file: string; dev: boolean },
): Config['approvals'] {
  const names = form.webhooks.map(({ name }) => name);
  const twice = names.find((name, place) => names.indexOf(name) !== place);
  if (twice !== undefined) throw new InvalidConfig(`${file}: webhook \`${twice}\` is named twice`);
  const plain = form.webhooks.find(({ url }) => isLoopbackHttp(url));
  if (plain !== undefined && !dev) {
    throw new InvalidConfig(`${file}: \`${plain.url}\`: plain http needs --dev; name an https URL`);
  }
  const secretOf = (source: z.output<typeof secretForm>): SecretSource =>
    'from_env' in source ? { fromEnv: source.from_env } : { fromFile: resolve(dirname(file), source.from_file) };
  return {
    webhooks: form.webhooks.map(({ name, url, secret, previous_secret: previous, approvers }) => ({
      name,
      url,
      secrets: [secret, ...(previous === undefined ? [] : [previous])].map(secretOf),
      approvers: approvers ?? null,
    })),
    lifetimeSeconds: form.lifetime_minutes * 60,
    load: { answersPerHour: form.load.answers_per_hour, beyond: form.load.beyond },
    standing: { maxUses: form.standing.max_uses, maxMinutes: form.standing.max_minutes },
    stepUps: Object.fromEntries(
      Object.entries(form.step_up).map(([sensitivity, { acr_values: acrValues = [], max_age_seconds: maxAge }]) => [
        sensitivity,
        { acrValues, maxAgeSeconds: maxAge ?? null },
      ]),
    ),
  };
}

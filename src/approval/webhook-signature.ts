import { createHmac } from 'node:crypto';
import { InvalidConfig } from '../core/errors.ts';

const PREFIX = 'whsec_';

/**
 * The key of a secret in the form of Standard Webhooks 1.0: `whsec_` and 24 to 64 bytes in base64.
 *
 * @throws InvalidConfig, which does not hold the secret
 */
export function webhookKey(secret: string, name: string): Buffer {
  const text = secret.trim();
  const key = Buffer.from(text.slice(PREFIX.length), 'base64');
  const isWhole = text.startsWith(PREFIX) && key.toString('base64') === text.slice(PREFIX.length);
  if (!isWhole || key.length < 24 || key.length > 64) {
    throw new InvalidConfig(
      `the secret of webhook \`${name}\` is none: expected \`whsec_\` and 24 to 64 bytes in base64, as of \`echo whsec_$(openssl rand -base64 32)\``,
    );
  }
  return key;
}

/** The headers of one attempt (Standard Webhooks 1.0). During a change of secrets there is a signature of each. */
export function signedHeaders(
  message: { id: string; at: number; body: string },
  keys: readonly Buffer[],
): Record<string, string> {
  const timestamp = Math.floor(message.at / 1000);
  const content = `${message.id}.${timestamp}.${message.body}`;
  return {
    'content-type': 'application/json',
    'webhook-id': message.id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': keys
      .map((key) => `v1,${createHmac('sha256', key).update(content).digest('base64')}`)
      .join(' '),
  };
}

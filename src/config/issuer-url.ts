import { z } from 'zod';

/** The URL of an issuer or of its keys: https, or plain http on a loopback address, which needs --dev. */
export const issuerUrl = z
  .string()
  .refine(
    (text) => isPlain(text, 'https:') || isLoopbackHttp(text),
    'expected an https URL without query, fragment or credentials',
  );

/** Whether a URL is plain http on a loopback address: for development only. */
export function isLoopbackHttp(text: string): boolean {
  return isPlain(text, 'http:') && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(text).hostname);
}

function isPlain(text: string, protocol: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return (
    url.protocol === protocol && url.search === '' && url.hash === '' && url.username === '' && url.password === ''
  );
}

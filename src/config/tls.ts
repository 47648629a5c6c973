import { resolve } from 'node:path';
import { z } from 'zod';
import type { Config } from './config.ts';
import { workloadEndpoint } from './trust-domain.ts';

/** The form of `server.tls`. */
export const tlsForm = z.union([
  z.strictObject({ certificate_file: z.string().min(1), key_file: z.string().min(1) }),
  z.strictObject({ workload_api: workloadEndpoint }),
]);

export function readTls(file: string, form: z.output<typeof tlsForm> | undefined): Config['server']['tls'] {
  if (form === undefined) return null;
  if ('workload_api' in form) return { workloadApi: form.workload_api };
  return { certificate: resolve(file, '..', form.certificate_file), key: resolve(file, '..', form.key_file) };
}

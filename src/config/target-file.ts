import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { EFFECTS } from '../core/effect.ts';
import { InvalidConfig } from '../core/errors.ts';
import { SENSITIVITIES } from '../core/sensitivity.ts';
import { PROTOCOLS } from '../core/target-resource.ts';
import { parseWorkloadId } from '../core/spiffe-id.ts';
import type { OperationConfig, SecretSource, TargetConfig } from './config.ts';
import { credentialForm, credentialProblem, readCredential } from './credential.ts';
import {
  askedAlike,
  evaluatedOperationFields,
  evaluatedOperationOf,
  evaluatedOperationProblem,
} from './evaluated-operation.ts';
import { labelFields, targetLabelsForm } from './labels.ts';
import { httpOperationFields, httpOperationOf, httpOperationProblem } from './http-operation.ts';
import { FOUND_SECRETS } from './mint.ts';
import { mintOf, mintProblems, mintsForm } from './mints-form.ts';
import { withoutUnclassified } from './unclassified.ts';
import { readYaml } from './yaml-file.ts';

const sourceForm = z.union([
  z.strictObject({ value: z.string() }),
  z.strictObject({ from_env: z.string().min(1) }),
  z.strictObject({ from_file: z.string().min(1) }),
  z.strictObject({ in_data: z.string().min(1) }),
]);

const headersForm = z.record(z.string().regex(/^[A-Za-z0-9-]+$/), sourceForm).default({});

/** Paths are put behind it as they are sent, so it has to be in the form in which it is sent itself. */
const baseUrlForm = z
  .url({ protocol: /^https?$/ })
  .refine((text) => {
    const { origin, pathname } = new URL(text);
    return text === origin || text === origin + pathname;
  }, 'expected a URL in normal form, without user, query and fragment')
  .transform((text) => text.replace(/\/$/, ''));

const upstreamForm = z.union([
  z.strictObject({
    stdio: z.strictObject({
      command: z.string().min(1),
      args: z.array(z.string()).default([]),
      cwd: z.string().default('.'),
      env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), sourceForm).default({}),
    }),
  }),
  z.strictObject({
    http: z.strictObject({
      url: z.url({ protocol: /^https?$/ }),
      headers: headersForm,
    }),
  }),
  z.strictObject({ url: baseUrlForm, headers: headersForm, private: z.boolean().default(false) }),
]);

const fileForm = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,62}$/, 'expected a name of a-z, 0-9 and -, starting with a letter')
    .refine((name) => name !== 'remit', '`remit` is the name of the product itself; choose another'),
  protocol: z.enum(PROTOCOLS).default('mcp'),
  /** The former name of `protocol`. */
  kind: z.literal('mcp').optional(),
  upstream: upstreamForm.optional(),
  credential: credentialForm.optional(),
  resource_server: z
    .string()
    .transform((text, check) => {
      const parsed = parseWorkloadId(text);
      if (!('problem' in parsed)) return parsed.id;
      check.addIssue(`expected the SPIFFE ID of a workload; it ${parsed.problem}`);
      return z.NEVER;
    })
    .optional(),
  sensitivity: z.enum(SENSITIVITIES),
  timeout_seconds: z.number().positive().max(600).default(30),
  max_answer_bytes: z.number().int().positive().optional(),
  attribution: z.boolean().default(false),
  client_capabilities: z.array(z.enum(['sampling', 'elicitation', 'roots'])).default([]),
  labels: targetLabelsForm,
  operations: z.record(
    z.string().min(1),
    z.strictObject({
      effect: z.enum(EFFECTS),
      sensitivity: z.enum(SENSITIVITIES).optional(),
      resources: z.array(z.string().min(1)).min(1).optional(),
      ...labelFields,
      ...httpOperationFields,
      ...evaluatedOperationFields,
      mints: mintsForm.optional(),
      found_secrets: z.enum(FOUND_SECRETS).optional(),
    }),
  ),
  found_secrets: z.enum(FOUND_SECRETS).default('hold'),
});

/** The form of a target file. Fields that concern security have no silent meaning: effects are always written out. */
export const targetForm = fileForm.superRefine((form, check) => {
  const { protocol, kind, operations } = form;
  const complain = (path: string[], message: string) => check.addIssue({ code: 'custom', path, message });
  if (kind !== undefined && kind !== protocol) complain(['kind'], 'it is the former name of `protocol`; remove it');
  const upstream = upstreamProblem(form);
  if (upstream !== null) complain(['upstream'], upstream);
  for (const [name, operation] of Object.entries(operations)) {
    const problem = httpOperationProblem(operation, protocol) ?? evaluatedOperationProblem(operation, protocol);
    if (problem !== null) complain(['operations', name], problem);
  }
  const alike = askedAlike(operations);
  if (alike !== null) complain(['operations'], alike);
  for (const { path, problem } of mintProblems(operations)) complain(path, problem);
});

/** What leads to the target, where it is sent what is permitted. */
function upstreamProblem({ protocol, upstream, credential, attribution }: z.output<typeof fileForm>): string | null {
  if (protocol === 'authzen') {
    const sent = { upstream, credential, attribution: attribution ? true : undefined };
    const extra = Object.entries(sent).find(([, value]) => value !== undefined)?.[0];
    return extra === undefined ? null : `Remit sends nothing to a target of \`authzen\`; remove \`${extra}\``;
  }
  if (upstream !== undefined && (protocol === 'http') === 'url' in upstream) return null;
  const expected = protocol === 'http' ? '`url`' : '`stdio` or `http`';
  return `expected ${expected}, since the target speaks \`${protocol}\``;
}

/** Of a target that speaks MCP, whose answers are read whole. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/** @throws InvalidConfig with file, line, field and what is expected. */
export function readTargetFile(file: string, dataDir: string): TargetConfig {
  const unclassified: string[] = [];
  const form = readYaml(
    file,
    z.preprocess((value) => withoutUnclassified(value, unclassified), targetForm),
  );
  const folder = dirname(file);
  const { upstream } = form;
  if (form.attribution && upstream !== undefined && 'stdio' in upstream)
    throw new InvalidConfig(`${file}: \`attribution\` goes with requests over HTTP; a stdio server has none`);
  const http = upstream === undefined || 'stdio' in upstream ? null : 'url' in upstream ? upstream : upstream.http;
  const problem = credentialProblem(form.credential, http, form.operations);
  if (problem !== null) throw new InvalidConfig(`${file}: ${problem}`);
  const source = (from: z.output<typeof sourceForm>): SecretSource => {
    if ('from_env' in from) return { fromEnv: from.from_env };
    if ('from_file' in from) return { fromFile: resolve(folder, from.from_file) };
    if ('in_data' in from) return { value: resolve(dataDir, from.in_data) };
    return from;
  };
  const sources = (from: SourceForms): Record<string, SecretSource> =>
    Object.fromEntries(Object.entries(from).map(([name, value]) => [name, source(value)]));
  return {
    name: form.name,
    kind: form.protocol,
    upstream: upstreamOf(upstream, { folder, sources }),
    ...(form.credential === undefined ? {} : { credential: readCredential(form.credential, folder) }),
    ...(form.resource_server === undefined ? {} : { resourceServer: form.resource_server }),
    sensitivity: form.sensitivity,
    ...(form.labels === undefined ? {} : { labels: form.labels }),
    timeoutMs: form.timeout_seconds * 1000,
    maxAnswerBytes: form.max_answer_bytes ?? (form.protocol === 'http' ? Infinity : MAX_ANSWER_BYTES),
    ...(form.attribution ? { attribution: true } : {}),
    clientCapabilities: form.client_capabilities,
    ...(unclassified.length > 0 ? { unclassified } : {}),
    operations: Object.fromEntries(
      Object.entries(form.operations).map(([name, operation]) => [name, operationOf(operation, form)]),
    ),
  };
}

type Form = z.output<typeof fileForm>;

function upstreamOf(
  upstream: Form['upstream'],
  { folder, sources }: { folder: string; sources: (from: SourceForms) => Record<string, SecretSource> },
): TargetConfig['upstream'] {
  if (upstream === undefined) return { kind: 'none' };
  if ('url' in upstream) return { kind: 'http', ...upstream, headers: sources(upstream.headers) };
  if ('http' in upstream) return { kind: 'http', url: upstream.http.url, headers: sources(upstream.http.headers) };
  const { command, args, cwd, env } = upstream.stdio;
  return { kind: 'stdio', command, args, cwd: resolve(folder, cwd), env: sources(env) };
}

type SourceForms = Record<string, z.output<typeof sourceForm>>;

function operationOf(
  operation: Form['operations'][string],
  { name, protocol, found_secrets: ofTarget }: Form,
): OperationConfig {
  const { request, query, headers, body, graphql, evaluation, mints, found_secrets, ...rest } = operation;
  return {
    ...rest,
    foundSecrets: found_secrets ?? ofTarget,
    ...(mints === undefined ? {} : { mints: mintOf(mints, name) }),
    ...(protocol === 'http' ? { http: httpOperationOf({ request, query, headers, body, graphql }) } : {}),
    ...(protocol === 'authzen' ? { evaluation: evaluatedOperationOf(evaluation) } : {}),
  };
}

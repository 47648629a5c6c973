import { z } from '@hono/zod-openapi';
import type { Policies, PolicyStatus, Published } from '../../policy/publish.ts';
import { EFFECTS } from '../../core/effect.ts';
import { controlRoute, type ControlApp } from './route.ts';

export const hashForm = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const fileName = z.string().regex(/^[A-Za-z0-9][\w.-]{0,100}\.(?:cedar|links\.json)$/);
const inForceWire = z.object({ policy_set: hashForm, at: z.number().int(), distrusted: z.boolean() });
const distrustedWire = z.object({
  policy_set: hashForm,
  at: z.number().int(),
  decision: z.string().openapi({ description: 'id of the record of the decision that `cedar-wasm` makes otherwise' }),
});
const refereeWire = z.object({
  state: z.enum(['off', 'starting', 'ok', 'degraded']),
  sample: z.number(),
  checked: z.number().int(),
  skipped: z.number().int(),
  failed: z.number().int(),
});
export const findingWire = z.object({
  severity: z.enum(['error', 'warning']),
  code: z.string(),
  policy: z.string(),
  file: z.string(),
  line: z.number().int(),
  message: z.string(),
});
const publishedWire = z.object({ policy_set: hashForm, replaced: hashForm, warnings: z.array(findingWire) });

const MAX_FILES = 500;
/** File names and their texts. */
export const filesForm = z
  // A lone surrogate has no UTF-8 form: the file could be neither hashed nor kept as it came.
  .record(
    fileName,
    z.string().refine((text) => text.isWellFormed(), 'expected well-formed Unicode'),
  )
  .refine((files) => Object.keys(files).length <= MAX_FILES, `expected at most ${MAX_FILES} files`);

const showRoute = controlRoute({
  method: 'get',
  path: '/v1/policy',
  summary: 'the policy set in force, those that were before, newest first, those distrusted, and what the referee does',
  answer: z.object({
    in_force: inForceWire,
    history: z.array(inForceWire),
    distrusted: z.array(distrustedWire),
    referee: refereeWire,
  }),
});
const filesRoute = controlRoute({
  method: 'get',
  path: '/v1/policy/sets/{hash}',
  summary: 'the files of a policy set that was ever in force',
  request: { params: z.object({ hash: hashForm }) },
  answer: z.object({ hash: hashForm, files: z.record(z.string(), z.string()) }),
});
const catalogueRoute = controlRoute({
  method: 'get',
  path: '/v1/policy/catalogue',
  summary: 'what a policy can name: targets, operations with the schemas of their arguments, groups, trust domains',
  answer: z.object({
    targets: z.array(
      z.object({
        name: z.string(),
        operations: z.array(
          z.object({
            name: z.string(),
            effect: z.enum(EFFECTS),
            input: z.record(z.string(), z.unknown()).nullable(),
          }),
        ),
      }),
    ),
    groups: z.array(z.string()).nullable(),
    trustDomains: z.array(z.string()).nullable(),
  }),
});
const publishRoute = controlRoute({
  method: 'post',
  path: '/v1/policy/publish',
  summary: 'put a policy set in force, decided by the one that is',
  request: {
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z.strictObject({
            files: filesForm,
            accept_lockout: z.boolean().default(false),
          }),
        },
      },
    },
  },
  answer: publishedWire,
});
const rollbackRoute = controlRoute({
  method: 'post',
  path: '/v1/policy/rollback',
  summary: 'put a policy set in force again; without `to`, the one before',
  request: {
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z.strictObject({ to: hashForm.optional(), accept_lockout: z.boolean().default(false) }),
        },
      },
    },
  },
  answer: publishedWire,
});

export function policyRoutes(app: ControlApp, { policies }: { policies: Policies }): void {
  app.openapi(showRoute, async (c) => {
    const { inForce, history, distrusted, referee } = await policies.current(c.var.asker);
    return c.json(
      {
        in_force: inForceToWire(inForce),
        history: history.map(inForceToWire),
        distrusted: distrusted.map(({ hash, at, decision }) => ({ policy_set: hash, at, decision })),
        referee,
      },
      200,
    );
  });
  app.openapi(filesRoute, async (c) => {
    const { hash } = c.req.valid('param');
    return c.json({ hash, files: await policies.files(c.var.asker, hash) }, 200);
  });
  app.openapi(catalogueRoute, async (c) => {
    const { targets, groups, trustDomains } = await policies.catalogue(c.var.asker);
    const mutable = targets.map(({ name, operations }) => ({ name, operations: [...operations] }));
    return c.json(
      {
        targets: mutable,
        groups: groups === null ? null : [...groups],
        trustDomains: trustDomains === null ? null : [...trustDomains],
      },
      200,
    );
  });
  app.openapi(publishRoute, async (c) => {
    const { files, accept_lockout: acceptLockout } = c.req.valid('json');
    return c.json(publishedToWire(await policies.publish(c.var.asker, { files, acceptLockout })), 200);
  });
  app.openapi(rollbackRoute, async (c) => {
    const { to, accept_lockout: acceptLockout } = c.req.valid('json');
    const request = { acceptLockout, ...(to === undefined ? {} : { to }) };
    return c.json(publishedToWire(await policies.rollback(c.var.asker, request)), 200);
  });
}

function inForceToWire({ hash, at, distrusted }: PolicyStatus['inForce']): z.output<typeof inForceWire> {
  return { policy_set: hash, at, distrusted };
}

function publishedToWire({ policySet, replaced, warnings }: Published): z.output<typeof publishedWire> {
  return { policy_set: policySet, replaced, warnings };
}

import { z } from '@hono/zod-openapi';
import { limitsToWire } from '../../core/budget-wire.ts';
import { scheduleToWire } from '../../core/schedule-wire.ts';
import { SENSITIVITIES } from '../../core/sensitivity.ts';
import type { Automation } from '../../task/profile/automation.ts';
import type { Profile } from '../../task/profile/profile-file.ts';
import type { Profiles } from '../../task/profile/profiles.ts';
import { grantForm } from '../../task/grant-form.ts';
import { scheduleForm } from '../../task/window-form.ts';
import { limitsForm } from '../budget-form.ts';
import { controlRoute, type ControlApp } from './route.ts';

const profileWire = z
  .object({
    name: z.string(),
    version: z.number().int(),
    digest: z.string(),
    description: z.string().optional(),
    agents: z.array(z.string()),
    purpose: z.string().optional(),
    parameters: z.record(z.string(), z.unknown()),
    grant: z.array(grantForm),
    sensitivity: z.enum(SENSITIVITIES),
    lifetime_seconds: z.number().int().optional(),
    schedule: scheduleForm.optional(),
    budget: limitsForm.extend({ calls: z.number().int().optional() }),
    max_hops: z.number().int(),
    approval: z.object({ task: z.array(z.string()), hops: z.array(z.string()) }),
    automation: z
      .object({
        owner: z.object({ issuer: z.string(), subject: z.string(), name: z.string().optional() }),
        every_minutes: z.number(),
        stop_after_failures: z.number().int(),
      })
      .optional()
      .openapi({ description: 'its agent may start it by itself, on behalf of the owner' }),
  })
  .openapi('Profile');

const listRoute = controlRoute({
  method: 'get',
  path: '/v1/profiles',
  summary: 'the kinds of task that can be asked for by name, each version of them',
  answer: z.object({ profiles: z.array(profileWire) }),
});
const showRoute = controlRoute({
  method: 'get',
  path: '/v1/profiles/{profile}',
  summary: 'one profile: `name`, the newest of it, or `name@version`',
  request: { params: z.object({ profile: z.string().min(1).max(80) }) },
  answer: profileWire,
});

export function profileRoutes(app: ControlApp, { profilesShown }: { profilesShown: Profiles }): void {
  app.openapi(listRoute, async (c) => {
    const profiles = await profilesShown.list(c.var.asker);
    return c.json({ profiles: profiles.map(profileToWire) }, 200);
  });
  app.openapi(showRoute, async (c) => {
    return c.json(profileToWire(await profilesShown.show(c.var.asker, c.req.valid('param').profile)), 200);
  });
}

function profileToWire(profile: Profile): z.output<typeof profileWire> {
  const { lifetimeSeconds, schedule, budget, maxHops, automation, ...same } = profile;
  return {
    ...same,
    ...(lifetimeSeconds === undefined ? {} : { lifetime_seconds: lifetimeSeconds }),
    ...(schedule === undefined ? {} : { schedule: scheduleToWire(schedule) }),
    budget: { ...(budget.calls === undefined ? {} : { calls: budget.calls }), ...limitsToWire(budget) },
    max_hops: maxHops,
    ...(automation === undefined ? {} : { automation: automationToWire(automation) }),
  };
}

function automationToWire({ owner, everyMs, stopAfterFailures }: Automation) {
  const { issuer, subject, name } = owner;
  return {
    owner: { issuer, subject, ...(name === undefined ? {} : { name }) },
    every_minutes: everyMs / 60_000,
    stop_after_failures: stopAfterFailures,
  };
}

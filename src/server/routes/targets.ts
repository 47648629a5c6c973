import { z } from '@hono/zod-openapi';
import type { TargetConfig } from '../../config/config.ts';
import { Conflict, NotFound } from '../../core/errors.ts';
import type { DefinitionStore } from '../../store/ports.ts';
import { targetResource } from '../../core/target-resource.ts';
import { authorize, type AuthorizeParts } from '../../task/authorize.ts';
import { definitionToWire, definitionWire, targetWire } from '../wire.ts';
import { controlRoute, type ControlApp } from './route.ts';

const listRoute = controlRoute({
  method: 'get',
  path: '/v1/targets',
  summary: 'targets, their operations and the state of their definitions',
  answer: z.object({ targets: z.array(targetWire) }),
});
const operationParams = z.object({ target: z.string().max(63), operation: z.string().max(256) });

const showRoute = controlRoute({
  method: 'get',
  path: '/v1/targets/{target}/operations/{operation}',
  summary: 'the accepted definition of an operation, and the changed one that waits, for review',
  request: { params: operationParams },
  answer: definitionWire,
});
const acceptRoute = controlRoute({
  method: 'post',
  path: '/v1/targets/{target}/operations/{operation}/accept',
  summary: 'accept a changed definition, by the digest that was reviewed',
  request: {
    params: operationParams,
    body: {
      required: true,
      content: {
        'application/json': { schema: z.strictObject({ digest: z.string().regex(/^sha256:[0-9a-f]{64}$/) }) },
      },
    },
  },
  answer: z.object({ accepted: z.string() }),
});

export type TargetRouteParts = AuthorizeParts & {
  targets: ReadonlyMap<string, TargetConfig>;
  definitions: DefinitionStore;
  publicUrl: string;
};

export function targetRoutes(app: ControlApp, parts: TargetRouteParts): void {
  app.openapi(listRoute, async (c) => {
    const own = { operation: 'target.read' as const, resources: [], arguments: {} };
    await parts.log.append([await authorize(c.var.asker, own, parts)]);
    return c.json({ targets: [...parts.targets.values()].map((target) => targetToWire(target, parts)) }, 200);
  });
  app.openapi(showRoute, async (c) => {
    const { target, operation } = c.req.valid('param');
    // Not part of the list: a changed definition is an upstream's words, and whoever reads it has to know that.
    const own = { operation: 'definition.read' as const, resources: [`target:${target}/${operation}`], arguments: {} };
    await parts.log.append([await authorize(c.var.asker, own, parts)]);
    const pin = parts.definitions.definition(target, operation);
    if (pin === undefined) throw new NotFound(`no definition of \`${operation}\` at \`${target}\` was seen`);
    return c.json(definitionToWire(pin), 200);
  });
  app.openapi(acceptRoute, async (c) => {
    const { target, operation } = c.req.valid('param');
    const { digest } = c.req.valid('json');
    const record = await authorize(
      c.var.asker,
      { operation: 'definition.accept', resources: [`target:${target}/${operation}`], arguments: { digest } },
      parts,
    );
    const outcome = await parts.definitions.acceptDefinition({ target, operation, digest }, [record]);
    if (outcome === 'not_quarantined') throw new NotFound(`no changed definition of \`${operation}\` waits`);
    if (outcome === 'other_digest')
      throw new Conflict('the definition has changed again; review it and accept its digest');
    return c.json({ accepted: digest }, 200);
  });
}

function targetToWire(target: TargetConfig, parts: TargetRouteParts): z.output<typeof targetWire> {
  return {
    name: target.name,
    kind: target.kind,
    url: targetResource(parts.publicUrl, { protocol: target.kind, name: target.name }),
    operations: Object.entries(target.operations).map(([name, operation]) => {
      const pin = parts.definitions.definition(target.name, name);
      return {
        name,
        effect: operation.effect,
        sensitivity: operation.sensitivity ?? target.sensitivity,
        resources: operation.resources ?? [],
        // What an operation is that is none of MCP's, the target file says: nobody else does.
        definition:
          target.kind !== 'mcp'
            ? 'pinned'
            : pin === undefined
              ? 'unseen'
              : pin.quarantined === undefined
                ? 'pinned'
                : 'quarantined',
        ...(pin === undefined ? {} : { digest: pin.digest }),
        ...(pin?.quarantined === undefined ? {} : { quarantined_digest: pin.quarantined.digest }),
      };
    }),
    ...(target.unclassified === undefined ? {} : { unclassified: target.unclassified }),
  };
}

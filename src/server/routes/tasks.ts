import { z } from '@hono/zod-openapi';
import { hasEnded, TASK_STATES, type Task } from '../../core/task.ts';
import type { ClosingStore, TaskStore } from '../../store/ports.ts';
import type { Lifecycle } from '../../task/lifecycle.ts';
import { isParty } from '../../task/party.ts';
import { promptOrigin, type PromptParts } from '../../task/prompt-origin.ts';
import { type Catalogue } from '../../task/grant-form.ts';
import {
  hopRequestForm,
  parseHopRequest,
  parseTaskRequest,
  taskRequestForm,
  type RequestParts,
} from '../../task/task-request.ts';
import { issueTaskToken, type TaskTokenParts } from '../../token/task-token.ts';
import { taskToWire, taskWire } from '../wire.ts';
import { controlRoute, type ControlApp } from './route.ts';

export type TaskRouteParts = {
  lifecycle: Lifecycle;
  tasks: Pick<TaskStore, 'chain'> & Pick<ClosingStore, 'closing'>;
  catalogue: Catalogue;
  profiles: RequestParts['profiles'];
  checkArguments: RequestParts['checkArguments'];
  taskTokens: TaskTokenParts;
  prompts: PromptParts;
};

const idParam = z.object({ id: z.string().min(1).max(64) });

const requestRoute = controlRoute({
  method: 'post',
  path: '/v1/tasks',
  summary: 'hand a task to an agent',
  request: { body: { required: true, content: { 'application/json': { schema: taskRequestForm } } } },
  answer: taskWire,
});
const listRoute = controlRoute({
  method: 'get',
  path: '/v1/tasks',
  summary: 'the caller’s tasks, newest first',
  request: {
    query: z.object({
      state: z.enum(TASK_STATES).optional(),
      after: z.string().max(64).optional(),
      limit: z.coerce.number().int().min(1).max(200).default(50),
    }),
  },
  answer: z.object({ tasks: z.array(taskWire) }),
});
const showRoute = controlRoute({
  method: 'get',
  path: '/v1/tasks/{id}',
  summary: 'one task; its own agent also gets the subject token for exchanges',
  request: { params: idParam },
  answer: taskWire,
});
const hopRoute = controlRoute({
  method: 'post',
  path: '/v1/tasks/{id}/hops',
  summary: 'the task’s agent hands a part of it to another agent: a child task',
  request: {
    params: idParam,
    body: { required: true, content: { 'application/json': { schema: hopRequestForm } } },
  },
  answer: taskWire,
});
const treeRoute = controlRoute({
  method: 'get',
  path: '/v1/tasks/{id}/tree',
  summary: 'the task and all that was handed on from it, ended or not, parents before their children',
  request: { params: idParam },
  answer: z.object({ tasks: z.array(taskWire) }),
});
const completeRoute = controlRoute({
  method: 'post',
  path: '/v1/tasks/{id}/complete',
  summary: 'declare the task done; everything under it ends',
  request: { params: idParam },
  answer: taskWire,
});
const revokeRoute = controlRoute({
  method: 'post',
  path: '/v1/tasks/{id}/revoke',
  summary: 'take the task back; everything under it ends',
  request: {
    params: idParam,
    body: {
      required: true,
      content: { 'application/json': { schema: z.strictObject({ reason: z.string().min(1).max(500) }) } },
    },
  },
  answer: taskWire,
});

export function taskRoutes(app: ControlApp, parts: TaskRouteParts): void {
  const { lifecycle } = parts;
  const usedBy = (id: string) => parts.tasks.chain(id)[0]?.used ?? { calls: 0 };
  const closingOf = ({ id, state }: Task) => (hasEnded(state) ? parts.tasks.closing(id) : undefined);
  app.openapi(requestRoute, async (c) => {
    const body = c.req.valid('json');
    const origin = await promptOrigin(c.var.asker, { origin: body.origin, prompt: body.prompt }, parts.prompts);
    const task = await lifecycle.request(c.var.asker, parseTaskRequest(body, origin, parts));
    return c.json(taskToWire(task, { calls: 0 }), 200);
  });
  app.openapi(listRoute, async (c) => {
    const tasks = await lifecycle.list(c.var.asker, c.req.valid('query'));
    return c.json({ tasks: tasks.map((task) => taskToWire(task, usedBy(task.id))) }, 200);
  });
  app.openapi(showRoute, async (c) => {
    const { asker } = c.var;
    const task = await lifecycle.show(asker, c.req.valid('param').id);
    const wire = taskToWire(task, usedBy(task.id), closingOf(task));
    const ownAgent = asker.agent !== null && isParty(asker, task) && task.state === 'active';
    return c.json(ownAgent ? { ...wire, subject_token: await issueTaskToken(task, parts.taskTokens) } : wire, 200);
  });
  app.openapi(hopRoute, async (c) => {
    const request = parseHopRequest(c.req.valid('json'), parts.catalogue);
    const child = await lifecycle.handOn(c.var.asker, c.req.valid('param').id, request);
    return c.json(taskToWire(child, { calls: 0 }), 200);
  });
  app.openapi(treeRoute, async (c) => {
    const tree = await lifecycle.tree(c.var.asker, c.req.valid('param').id);
    return c.json({ tasks: tree.map(({ task, used }) => taskToWire(task, used, closingOf(task))) }, 200);
  });
  app.openapi(completeRoute, async (c) => {
    const task = await lifecycle.complete(c.var.asker, c.req.valid('param').id);
    return c.json(taskToWire(task, usedBy(task.id), closingOf(task)), 200);
  });
  app.openapi(revokeRoute, async (c) => {
    const task = await lifecycle.revoke(c.var.asker, c.req.valid('param').id, c.req.valid('json').reason);
    return c.json(taskToWire(task, usedBy(task.id), closingOf(task)), 200);
  });
}

import { parseArgs } from 'node:util';
import { printable } from '../audit/record-text.ts';
import { callApi } from './api.ts';
import { hop, HOP_USAGE } from './hop.ts';
import { UsageError, type Command, type Io } from './io.ts';
import { requestTask, REQUEST_USAGE } from './request-task.ts';
import { taskUsage, TASK_USAGE_USAGE } from './usage.ts';
import { printTask, taskText, type TaskWire } from './task-text.ts';

export const TASK_USAGE = `${REQUEST_USAGE}
${HOP_USAGE}
remit task tree ID                  the task and all that was handed on from it
remit task list [--state STATE]     your tasks, newest first
remit task show ID                  one task
${TASK_USAGE_USAGE}
remit task complete ID              it is done: everything under it ends
remit task revoke ID --reason TEXT  take it back: everything under it ends`;

export const task: Command = async ([verb = '', ...args], io) => {
  switch (verb) {
    case 'request':
      return requestTask(args, io);
    case 'hop':
      return hop(args, io);
    case 'usage':
      return taskUsage(args, io);
    case 'tree':
      return tree(one(args), io);
    case 'list': {
      const { values } = parseArgs({ args, options: { state: { type: 'string' } } });
      const query = values.state === undefined ? '' : `?state=${encodeURIComponent(values.state)}`;
      const { tasks } = await callApi<{ tasks: TaskWire[] }>(io, 'GET', `/tasks${query}`);
      for (const each of tasks) printTask(each, io);
      if (tasks.length === 0 && !io.json) io.out('no tasks');
      return 0;
    }
    case 'show':
      printTask(await callApi<TaskWire>(io, 'GET', `/tasks/${one(args)}`), io);
      return 0;
    case 'complete':
      printTask(await callApi<TaskWire>(io, 'POST', `/tasks/${one(args)}/complete`), io);
      return 0;
    case 'revoke': {
      const { values, positionals } = parseArgs({
        args,
        allowPositionals: true,
        options: { reason: { type: 'string' } },
      });
      const reason = values.reason ?? 'revoked by its delegator';
      printTask(await callApi<TaskWire>(io, 'POST', `/tasks/${one(positionals)}/revoke`, { reason }), io);
      return 0;
    }
    default:
      throw new UsageError(TASK_USAGE);
  }
};

/** Parents before their children, each as far in as it was handed on. */
async function tree(id: string, io: Io): Promise<number> {
  const { tasks } = await callApi<{ tasks: TaskWire[] }>(io, 'GET', `/tasks/${id}/tree`);
  const below = Map.groupBy(tasks.slice(1), ({ parent }) => parent);
  const pending = tasks.slice(0, 1).map((each) => ({ each, depth: 0 }));
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { each, depth } = next;
    if (io.json) io.out(JSON.stringify({ depth, ...each }));
    else for (const line of taskText(each)) io.out(printable(`${'    '.repeat(depth)}${line}`));
    pending.push(...(below.get(each.id) ?? []).toReversed().map((child) => ({ each: child, depth: depth + 1 })));
  }
  return 0;
}

function one(args: string[]): string {
  const [id, ...rest] = args;
  if (id === undefined || rest.length > 0) throw new UsageError(TASK_USAGE);
  return encodeURIComponent(id);
}

import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openAgent } from '../harness/in-process-agent.ts';
import { root, startRemit } from '../harness/remit-process.ts';
import type { Act } from './acts.ts';

const AGENT = 'spiffe://remit.local/agent/summariser';

type Task = {
  id: string;
  state: string;
  end_reason?: string;
  delegator: { subject: string };
  origin: { channel: string };
};
type Refused = { status: number; body: { detail?: string } };
type ToolResult = {
  content: { text?: string }[];
  structuredContent?: { remit?: { decision?: string; codes?: string[] } };
};

/** An agent that starts its own task on a schedule, with nobody watching: what it may, and what happens when it does more. */
export async function scheduledSummary(): Promise<{ acts: Act[]; dispose: () => Promise<void> }> {
  const remit = await startRemit({
    prepare: (folder) => {
      rmSync(folder, { recursive: true });
      cpSync(join(root, 'examples/scheduled-summary'), folder, { recursive: true });
    },
  });
  const agent = await openAgent(remit, AGENT);
  let task: Task | undefined;
  let call: (name: string, args: Record<string, unknown>) => Promise<ToolResult>;

  const start = () => agent.call<Task & { detail?: string }>('POST', '/tasks', { profile: 'daily-summary' });
  const connect = async (id: string) => {
    const { client } = await agent.connect('files', id);
    call = (name, args) => client.callTool({ name, arguments: args }) as Promise<ToolResult>;
    return client;
  };
  const shown = async (id: string) => (await agent.call<Task>('GET', `/tasks/${id}`)).body;
  const refusal = ({ status, body: { detail = '' } }: Refused, part: RegExp) =>
    `refused: ${status}, ${detail.match(part)?.[0] ?? detail}`;
  const summary = { path: 'out/summary.md', content: 'The guide is in review; the import job is fine.' };

  const acts: Act[] = [
    {
      name: 'the schedule says that it is time, and the agent starts its task; no person is asked',
      expected: 'active, on behalf of alice, by schedule',
      run: async () => {
        const { body } = await start();
        task = body;
        return `${body.state}, on behalf of ${body.delegator.subject}, by ${body.origin.channel}`;
      },
    },
    {
      name: 'the schedule fires twice',
      expected: 'refused: 409, is not over',
      run: async () => refusal(await start(), /is not over/),
    },
    {
      name: 'the list shows what it may do',
      expected: 'list_directory, read_text_file',
      run: async () => {
        const { tools } = await (await connect(task!.id)).listTools();
        return tools
          .map(({ name }) => name)
          .sort()
          .join(', ');
      },
    },
    {
      name: 'it reads the notes',
      expected: 'permit: # Monday, # Tuesday',
      run: async () => {
        const read = ['monday', 'tuesday'].map((day) => call('read_text_file', { path: `notes/${day}.md` }));
        const texts = (await Promise.all(read)).map(({ content }) => content[0]?.text?.split('\n')[0]);
        return `permit: ${texts.join(', ')}`;
      },
    },
    {
      name: 'something that it read has it write where it may not',
      expected: 'deny: outside_grant, nothing written',
      run: async () => {
        const { decision, codes } = (await call('write_file', summary)).structuredContent?.remit ?? {};
        const there = existsSync(join(remit.folder, 'workspace', summary.path));
        return `${decision}: ${codes?.join()}, ${there ? 'and it is written' : 'nothing written'}`;
      },
    },
    {
      name: 'with that, the task is over',
      expected: 'revoked: automated, and it stepped outside',
      run: async () => {
        const { state, end_reason: reason = '' } = await shown(task!.id);
        return `${state}: ${reason.split(':')[0]}`;
      },
    },
    {
      name: 'and it starts no other, until somebody has looked',
      expected: 'refused: 403, a person has to start one',
      run: async () => refusal(await start(), /a person has to start one/),
    },
    {
      name: 'alice has looked, and starts one by hand; the agent carries it out and says that it is done',
      expected: 'completed, by cli',
      run: async () => {
        const asked = await remit.cli(['task', 'request', '--as', 'alice', '--profile', 'daily-summary', '--json']);
        const { id } = JSON.parse(asked.stdout || '{}') as { id?: string };
        if (id === undefined) return asked.stderr;
        await connect(id);
        await call('read_text_file', { path: 'notes/monday.md' });
        const { body } = await agent.call<Task>('POST', `/tasks/${id}/complete`);
        return `${body.state}, by ${body.origin.channel}`;
      },
    },
    {
      name: 'it goes on by itself, at its time and not before',
      expected: 'refused: 409, may start at',
      run: async () => refusal(await start(), /may start at/),
    },
    {
      name: 'the log of all this is verified with the public key alone',
      expected: 'verified',
      run: async () => {
        const { code, stderr } = await remit.cli(['log', 'verify']);
        return code === 0 ? 'verified' : stderr;
      },
    },
  ];
  return {
    acts,
    dispose: async () => {
      await agent.close();
      await remit.dispose();
    },
  };
}

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './remit-process.ts';

/** One command of a guide, and what it is said to print. */
export type Step = { command: string; expected: string[] };

/**
 * The commands of a page's `console` blocks, in order: a line with `$ ` and its continuations, then what is printed. In
 * that, `…` stands for any text within a line, and alone on a line for any number of lines.
 */
export function stepsOf(page: string): Step[] {
  const steps: Step[] = [];
  for (const [, block] of page.matchAll(/^```console\n([\s\S]*?)^```$/gm)) {
    const lines = block!.trimEnd().split('\n');
    while (lines.length > 0) {
      const line = lines.shift()!;
      if (!line.startsWith('$ ')) {
        steps.at(-1)!.expected.push(line);
        continue;
      }
      let command = line.slice(2);
      while (command.endsWith('\\')) command += `\n${lines.shift()!}`;
      steps.push({ command, expected: [] });
    }
  }
  return steps;
}

/** A shell that goes through a guide: what the reader copies from an answer, it takes from the last that has it. */
export class GuideShell {
  readonly #folder: string;
  readonly #env: Record<string, string | undefined>;
  #printed = '';

  constructor(folder: string, env: Record<string, string | undefined>) {
    this.#folder = folder;
    this.#env = { ...env };
  }

  /** Runs one command; both streams, by lines. `TASK=task_…` takes the newest such id that was printed. */
  run(command: string): string[] {
    const copied = /^(\w+)=(\w+_)…$/.exec(command);
    if (copied !== null) {
      const [, name, prefix] = copied;
      const found = this.#printed.match(new RegExp(`\\b${prefix}\\w+`, 'g'))?.at(-1);
      if (found === undefined) throw new Error(`nothing that was printed is like \`${prefix}…\``);
      this.#env[name!] = found;
      return [];
    }
    const remit = `"${process.execPath}" "${join(root, 'src/main.ts')}"`;
    const { stdout, error } = spawnSync(
      'bash',
      ['-c', `exec 2>&1\n${command.replaceAll('npm run -s remit --', remit)}`],
      {
        cwd: this.#folder,
        env: this.#env,
        encoding: 'utf8',
      },
    );
    if (error !== undefined) throw error;
    this.#printed += stdout;
    return stdout === '' ? [] : stdout.replace(/\n$/, '').split('\n');
  }
}

/** The first line that is not as the guide says, or `null`. */
export function mismatch(expected: readonly string[], printed: readonly string[]): string | null {
  const pattern = expected.map((line) => (line.trim() === '…' ? '(?:.*\n)*?' : `${escaped(line)} *\n`)).join('');
  if (new RegExp(`^${pattern}$`).test(printed.map((line) => `${line}\n`).join(''))) return null;
  return `expected\n${expected.join('\n')}\nprinted\n${printed.join('\n')}`;
}

function escaped(line: string): string {
  return line
    .split('…')
    .map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    .join('.*');
}

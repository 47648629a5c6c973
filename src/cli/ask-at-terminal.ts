import { createInterface, type Interface } from 'node:readline';

/** Lines that were typed ahead, in order. */
const typed: string[] = [];
let waits: ((line: string | null) => void) | null = null;
let terminal: Interface | undefined;
let over = false;

/** One line of the terminal; `null` when it is closed, as by Ctrl-D or Ctrl-C. Between questions it keeps no process alive. */
export async function askAtTerminal(question: string): Promise<string | null> {
  terminal ??= open();
  process.stdout.write(question);
  const ahead = typed.shift();
  if (ahead !== undefined || over) return ahead ?? null;
  terminal.resume();
  const line = await new Promise<string | null>((resolve) => (waits = resolve));
  terminal.pause();
  return line;
}

function open(): Interface {
  const made = createInterface({ input: process.stdin, output: process.stdout });
  const settle = (line: string | null): void => {
    const waiting = waits;
    waits = null;
    if (waiting !== null) waiting(line);
    else if (line !== null) typed.push(line);
  };
  made.on('line', settle);
  made.once('close', () => {
    over = true;
    settle(null);
  });
  made.on('SIGINT', () => made.close());
  return made;
}

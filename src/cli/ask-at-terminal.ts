import { createInterface } from 'node:readline';

/** One line of the terminal; `null` when it is closed, as by Ctrl-D or Ctrl-C. */
export function askAtTerminal(question: string): Promise<string | null> {
  return new Promise((resolve) => {
    const terminal = createInterface({ input: process.stdin, output: process.stdout });
    terminal.once('close', () => resolve(null));
    terminal.once('SIGINT', () => terminal.close());
    terminal.question(question, (line) => {
      resolve(line);
      terminal.close();
    });
  });
}

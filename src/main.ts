#!/usr/bin/env node
/** The program: the one place that chooses the database. Everything else takes what it needs. */
const [command = '', ...rest] = process.argv.slice(2);
if (command === 'serve') {
  const [{ serve }, { openSqliteStore }] = await Promise.all([
    import('./wiring/serve.ts'),
    import('./store/sqlite/open.ts'),
  ]);
  // What was opened before a start failed would keep the process; nothing of it needs closing to be safe.
  process.exit(await serve(rest, { openStore: openSqliteStore }));
}
const { runCommand } = await import('./cli/commands.ts');
process.exitCode = await runCommand(process.argv.slice(2), process.env);

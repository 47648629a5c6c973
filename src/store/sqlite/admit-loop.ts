/** For the kill test: `admit-loop.ts FILE ROUND` admits calls for ever and prints the id of each acknowledged record. */
import { writeSync } from 'node:fs';
import { NOW, recordFixture, taskFixture } from '../conformance/fixture.ts';
import { openSqliteStore } from './open.ts';

const [file, round] = process.argv.slice(2) as [string, string];
const store = await openSqliteStore({ file, clock: () => NOW });
if (store.task('task_1') === undefined) await store.createTask(taskFixture({ budget: { calls: 1_000_000 } }), []);

async function admitForEver(caller: number): Promise<never> {
  for (let i = 0; ; i++) {
    const id = `rec_${round}_${caller}_${i}`;
    await store.admit({ chain: ['task_1'], counted: true, approval: null }, [recordFixture(id)]);
    writeSync(1, `${id}\n`);
  }
}
await Promise.all(Array.from({ length: 4 }, (_, caller) => admitForEver(caller)));

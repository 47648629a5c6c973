import { join } from 'node:path';
import { storeConformance } from '../conformance.ts';
import { openSqliteStore } from './open.ts';
import { temporaryFolder } from './temporary.ts';

storeConformance('sqlite', async (clock) => {
  const folder = temporaryFolder();
  const open = () => openSqliteStore({ file: join(folder.path, 'remit.db'), clock });
  let store = await open();
  return {
    store,
    async reopen() {
      await store.close();
      store = await open();
      return store;
    },
    async dispose() {
      await store.close();
      folder[Symbol.dispose]();
    },
  };
});

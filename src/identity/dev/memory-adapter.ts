import type { Adapter, AdapterPayload } from 'oidc-provider';

/** What the development provider remembers: sign-ins under way and codes, in memory, gone with the process. */
export function createMemoryAdapters(clock: () => number): (model: string) => Adapter {
  const models = new Map<string, Map<string, { payload: AdapterPayload; expiresAt: number }>>();
  return (model) => {
    const kept = models.get(model) ?? new Map<string, { payload: AdapterPayload; expiresAt: number }>();
    models.set(model, kept);
    const live = () => [...kept.values()].filter(({ expiresAt }) => clock() < expiresAt).map(({ payload }) => payload);
    return {
      upsert: async (id, payload, expiresIn = 3600) => {
        for (const [old, { expiresAt }] of kept) if (expiresAt <= clock()) kept.delete(old);
        kept.set(id, { payload, expiresAt: clock() + expiresIn * 1000 });
      },
      find: async (id) => {
        const found = kept.get(id);
        return found !== undefined && clock() < found.expiresAt ? found.payload : undefined;
      },
      findByUid: async (uid) => live().find((payload) => payload.uid === uid),
      findByUserCode: async (userCode) => live().find((payload) => payload.userCode === userCode),
      destroy: async (id) => void kept.delete(id),
      consume: async (id) => {
        const found = kept.get(id);
        if (found !== undefined) found.payload.consumed = Math.floor(clock() / 1000);
      },
      revokeByGrantId: async (grantId) => {
        for (const [id, { payload }] of kept) if (payload.grantId === grantId) kept.delete(id);
      },
    };
  };
}

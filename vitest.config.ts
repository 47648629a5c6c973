import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    setupFiles: ['./test/fixed-seed.ts'],
    // The many processes that tests start compile the same sources; half of what they take is that.
    env: { NODE_COMPILE_CACHE: new URL('node_modules/.cache/compiled', import.meta.url).pathname },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // A worker goes on with what it has loaded: a third of what the tests take was to load it anew for each file.
    isolate: false,
    // Many of them wait for processes of their own more than they work.
    maxWorkers: 2,
    reporters: ['default', './test/counts-reporter.ts'],
  },
});

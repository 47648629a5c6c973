import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    setupFiles: ['./test/fixed-seed.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    pool: 'forks',
    // Many of them wait for processes of their own more than they work.
    maxWorkers: 2,
    reporters: ['default', './test/counts-reporter.ts'],
  },
});

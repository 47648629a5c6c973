import type { Reporter, TestModule } from 'vitest/node';

/** Ends a test run with one line of counts, for a reader that knows no test runner. */
export default class CountsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      for (const test of tests) {
        const { state } = test.result();
        if (state === 'passed' || state === 'skipped') counts[state] += 1;
        else counts.failed += 1;
      }
      // A file that could not be loaded has no tests to fail.
      if (tests.length === 0 && module.state() === 'failed') counts.failed += 1;
    }
    console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  }
}

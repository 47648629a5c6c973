/** What a suite says: one line a check that matters, and a sum at the end. */
export type Report = {
  passed(name: string): void;
  failed(name: string, why: string): void;
  note(text: string): void;
  /** Prints the sum. Returns whether nothing failed. */
  finish(suite: string): boolean;
};

export function createReport(json: boolean, print: (line: string) => void): Report {
  let passed = 0;
  let failed = 0;
  return {
    passed: (name) => {
      passed += 1;
      if (json) print(JSON.stringify({ name, value: 'passed' }));
    },
    failed: (name, why) => {
      failed += 1;
      print(json ? JSON.stringify({ name, value: 'failed', why }) : `✗ ${name}: ${why}`);
    },
    note: (text) => {
      if (!json) print(text);
    },
    finish: (suite) => {
      if (json) {
        print(JSON.stringify({ name: `${suite}.passed`, value: passed, unit: 'checks' }));
        print(JSON.stringify({ name: `${suite}.failed`, value: failed, unit: 'checks' }));
      } else print(`${passed} passed, ${failed} failed`);
      return failed === 0 && passed > 0;
    },
  };
}

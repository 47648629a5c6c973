import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parentIdOf, readTraceparent, traceparentOf } from './traceparent.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const CALL = { record: 'rec_1', request: 'req_1' };
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';

describe('traceparent', () => {
  it('begins a trace, and names the record as its parent', () => {
    const header = traceparentOf(CALL, null, sha256);
    expect(header).toBe('00-cb596c9f86958dd86fbe7f17b8cab5af-8f07a802e5863463-03');
    expect(readTraceparent(header)?.parentId).toBe(parentIdOf('rec_1', sha256));
    expect(traceparentOf(CALL, null, sha256), 'the same for the same call').toBe(header);
  });

  it("goes on with the caller's trace and its flags, never with its parent", () => {
    const parent = parentIdOf('rec_1', sha256);
    expect(traceparentOf(CALL, `00-${TRACE}-${PARENT}-01`, sha256)).toBe(`00-${TRACE}-${parent}-01`);
    expect(traceparentOf(CALL, `00-${TRACE}-${PARENT}-fe`, sha256), 'unknown flags').toBe(`00-${TRACE}-${parent}-02`);
    expect(traceparentOf(CALL, `cc-${TRACE}-${PARENT}-00-what-comes`, sha256)).toBe(`00-${TRACE}-${parent}-00`);
  });

  // W3C Trace Context Level 2, section 3.2.2.
  it.each([
    ['an unknown version ff', `ff-${TRACE}-${PARENT}-01`],
    ['more than version 00 has', `00-${TRACE}-${PARENT}-01-more`],
    ['a trace id of zeros', `00-${'0'.repeat(32)}-${PARENT}-01`],
    ['a parent id of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['capitals', `00-${TRACE.toUpperCase()}-${PARENT}-01`],
    ['two of them', `00-${TRACE}-${PARENT}-01, 00-${TRACE}-${PARENT}-01`],
    ['what steers a header', `00-${TRACE}-${PARENT}-01\r\nx: y`],
    ['nothing', ''],
  ])('takes no %s', (_name, header) => {
    expect(readTraceparent(header)).toBeNull();
    expect(traceparentOf(CALL, header, sha256)).toBe(traceparentOf(CALL, null, sha256));
  });

  it('is always a valid one, whatever a caller sends', () => {
    fc.assert(
      fc.property(fc.string(), (caller) => {
        expect(readTraceparent(traceparentOf(CALL, caller, sha256))).not.toBeNull();
      }),
      { numRuns: 100 },
    );
  });
});

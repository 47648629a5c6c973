import type { LogRecord } from '../../core/record.ts';

export type Records = readonly LogRecord[];

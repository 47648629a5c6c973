import type { JsonValue } from '../../core/json.ts';

/** What a document says where a text is expected: YAML has read `3.1` and `true` as something else. */
export const asText = (value: JsonValue): string => (typeof value === 'string' ? value : JSON.stringify(value));

import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';

/** One question, as it came: Authorization API 1.0, section 6. Members that are not here are of no account. */
export type Evaluation = {
  subject: { type: string; id: string };
  action: { name: string; properties: JsonObject };
  resource: { type: string; id: string; properties: JsonObject };
  context: JsonObject;
};

/** The four members that a question is made of, each as it came or not there. */
export const MEMBERS = ['subject', 'action', 'resource', 'context'] as const;
export type Members = Partial<Record<(typeof MEMBERS)[number], JsonValue>>;

const MAX_NAME = 1024;
const TEXTS: Readonly<Record<(typeof MEMBERS)[number], readonly string[]>> = {
  subject: ['type', 'id'],
  action: ['name'],
  resource: ['type', 'id'],
  context: [],
};

/** What is wrong with a member that is there, or `null`. */
export function memberProblem(name: (typeof MEMBERS)[number], value: JsonValue): string | null {
  if (!isJsonObject(value)) return `\`${name}\` is not an object`;
  for (const text of TEXTS[name]) {
    const given = Object.hasOwn(value, text) ? value[text] : undefined;
    if (typeof given !== 'string' || given === '') return `\`${name}.${text}\` is missing or not a text`;
    if (given.length > MAX_NAME) return `\`${name}.${text}\` is longer than ${MAX_NAME} characters`;
  }
  if (name === 'context' || !Object.hasOwn(value, 'properties')) return null;
  return isJsonObject(value['properties']) ? null : `\`${name}.properties\` is not an object`;
}

/** A question put together from its members, or what is wrong with it. */
export function readEvaluation(members: Members): Evaluation | { problem: string } {
  for (const name of MEMBERS) {
    const value = members[name];
    if (value === undefined && name !== 'context') return { problem: `\`${name}\` is missing` };
    const problem = value === undefined ? null : memberProblem(name, value);
    if (problem !== null) return { problem };
  }
  const { subject, action, resource, context } = { context: {}, ...members } as Record<
    (typeof MEMBERS)[number],
    JsonObject
  >;
  return {
    subject: { type: textOf(subject, 'type'), id: textOf(subject, 'id') },
    action: { name: textOf(action, 'name'), properties: propertiesOf(action) },
    resource: { type: textOf(resource, 'type'), id: textOf(resource, 'id'), properties: propertiesOf(resource) },
    context,
  };
}

function textOf(entity: JsonObject, name: string): string {
  return entity[name] as string;
}

function propertiesOf(entity: JsonObject): JsonObject {
  return Object.hasOwn(entity, 'properties') ? (entity['properties'] as JsonObject) : {};
}

import type { ValueJson } from '../../../src/pdp/cedar/literal.ts';
import { parseJson } from '../../harness/cedar-json.ts';
import type { Material } from './material.ts';

/** A test in the format of cedar-policy/cedar-integration-tests (README, "Test format"). */
export type TestFile = {
  policies: string;
  entities: string;
  schema: string;
  shouldValidate: boolean;
  requests: TestRequest[];
};

export type TestRequest = {
  /** Absent in a request for partial evaluation. */
  principal?: ValueJson;
  action?: ValueJson;
  resource?: ValueJson;
  context: Record<string, ValueJson>;
  decision: string;
  reason: readonly string[];
  errors: readonly string[];
};

/** `problem` where a file is a test, or ought to be one, and cannot be run. */
export type FoundTest = { path: string } & ({ file: TestFile } | { problem: string });

/** The tests among the JSON files. Others are known by what they lack: entities, schemas and policies. */
export function findTests(material: Material): FoundTest[] {
  return material.paths
    .filter((path) => path.endsWith('.json'))
    .flatMap((path): FoundTest[] => {
      try {
        const json = parseJson(material.read(path));
        return isTest(json) ? [{ path, file: testFile(json) }] : [];
      } catch (error) {
        return [{ path, problem: error instanceof Error ? error.message : 'cannot be read' }];
      }
    });
}

type Members = Record<string, unknown>;

function isTest(json: unknown): json is Members {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return false;
  return 'requests' in json || 'queries' in json || 'shouldValidate' in json || 'should_validate' in json;
}

/** @throws Error naming the member that is missing or of another type. */
function testFile(json: Members): TestFile {
  const name = (member: string) => {
    const value = json[member];
    if (typeof value !== 'string') throw new Error(`the test's \`${member}\` names no file`);
    return value;
  };
  // Before 2024 the members had other names.
  const requests = json['requests'] ?? json['queries'];
  if (!Array.isArray(requests)) throw new Error('the test has no list of requests');
  const shouldValidate = json['shouldValidate'] ?? json['should_validate'];
  if (typeof shouldValidate !== 'boolean') throw new Error('the test does not say whether it should validate');
  return {
    policies: name('policies'),
    entities: name('entities'),
    schema: name('schema'),
    shouldValidate,
    requests: requests.map(testRequest),
  };
}

function testRequest(json: unknown, place: number): TestRequest {
  const request = (json ?? {}) as Members;
  const { principal, action, resource, context = {}, decision, errors } = request;
  const reason = request['reason'] ?? request['reasons'];
  if (typeof decision !== 'string' || !isList(reason) || !isList(errors)) {
    throw new Error(`request ${place} lacks \`decision\`, \`reason\` or \`errors\``);
  }
  return {
    ...uid('principal', principal),
    ...uid('action', action),
    ...uid('resource', resource),
    context: context as Record<string, ValueJson>,
    decision: decision.toLowerCase(),
    reason,
    errors,
  };
}

function uid(name: 'principal' | 'action' | 'resource', json: unknown): Partial<TestRequest> {
  return json === undefined || json === null ? {} : { [name]: json as ValueJson };
}

function isList(json: unknown): json is string[] {
  return Array.isArray(json) && json.every((item) => typeof item === 'string');
}

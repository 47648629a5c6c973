import { getCedarVersion } from '@cedar-policy/cedar-wasm/nodejs';
import { isDeepStrictEqual } from 'node:util';
import { CedarEngine, type Answer } from '../../../src/pdp/cedar/engine.ts';
import { uidOf } from '../../../src/pdp/cedar/literal.ts';
import { entitiesOf, parseJson, recordOf, type EntityJson } from '../../harness/cedar-json.ts';
import type { Report } from '../report.ts';
import { openMaterial, type Material } from './material.ts';
import { isValid, readPolicies } from './read-policies.ts';
import { findTests, type FoundTest, type TestFile, type TestRequest } from './test-file.ts';
import { readSchema, type TypedJson } from './typed-json.ts';

/** What was found and run: a test that goes missing would look like one that passes. */
type Tally = { files: number; requests: number; valid: number; unlike: string[] };

/** Compares decision, reasons and errors of each request in archives or folders of the published format. */
export async function runCedarSuite(report: Report, args: readonly string[]): Promise<void> {
  if (args.length === 0) report.failed('cedar', 'name a folder or an archive of the published tests');
  const tally: Tally = { files: 0, requests: 0, valid: 0, unlike: [] };
  for (const arg of args) runArgument(arg, report, tally);
  report.note(`${tally.files} test files with ${tally.requests} requests`);
  // Said, and no failure: the validator is cedar-wasm's, whose verdicts change from version to version.
  const judged = tally.valid + tally.unlike.length;
  report.note(`cedar-wasm ${getCedarVersion()} validates as \`shouldValidate\` says: ${tally.valid} of ${judged}`);
  for (const path of tally.unlike) report.note(`  not so: ${path}`);
}

function runArgument(arg: string, report: Report, tally: Tally): void {
  let found: { material: Material; tests: FoundTest[] }[];
  try {
    found = openMaterial(arg).map((material) => ({ material, tests: findTests(material) }));
  } catch (error) {
    report.failed(arg, messageOf(error));
    return;
  }
  if (found.every(({ tests }) => tests.length === 0)) report.failed(arg, 'holds no tests of the published format');
  for (const { material, tests } of found) {
    if (tests.length === 0 && found.length > 1) report.note(`no tests in ${material.name}`);
    for (const test of tests) {
      tally.files += 1;
      if ('problem' in test) report.failed(test.path, test.problem);
      else runFile(test.path, test.file, material, { report, tally });
    }
  }
}

function runFile(path: string, file: TestFile, material: Material, to: { report: Report; tally: Tally }): void {
  const { report, tally } = to;
  tally.requests += file.requests.length;
  if (file.requests.length === 0) report.note(`no requests in ${path}`);
  let opened: Opened;
  try {
    opened = open(path, file, material);
  } catch (error) {
    // Each of its requests counts: what cannot be read is not skipped.
    for (const place of file.requests.keys()) report.failed(`${path} ${place}`, messageOf(error));
    if (file.requests.length === 0) report.failed(path, messageOf(error));
    return;
  }
  if (opened.valid === file.shouldValidate) tally.valid += 1;
  else tally.unlike.push(path);
  for (const [place, request] of file.requests.entries()) runRequest(`${path} ${place}`, request, opened, report);
}

type Opened = { engine: CedarEngine; types: TypedJson; entities: ReturnType<typeof entitiesOf>; valid: boolean };

function open(path: string, file: TestFile, material: Material): Opened {
  const read = (reference: string) => material.read(material.find(reference, path));
  const [policies, schema] = [read(file.policies), read(file.schema)];
  const types = readSchema(schema);
  const listed = parseJson(read(file.entities)) as EntityJson[];
  return {
    types,
    engine: new CedarEngine(readPolicies(policies)),
    entities: entitiesOf([...types.actions, ...listed.map(types.entity)]),
    valid: isValid(policies, schema),
  };
}

/** `validateRequest` is left aside: a request that Cedar would refuse is in no test, and validation changes no decision. */
function runRequest(name: string, request: TestRequest, { engine, types, entities }: Opened, report: Report): void {
  const { principal, action, resource } = request;
  if (principal === undefined || action === undefined || resource === undefined) {
    report.failed(name, 'a request without principal, action or resource is for partial evaluation');
    return;
  }
  try {
    const answer = engine.authorize({
      principal: uidOf(principal),
      action: uidOf(action),
      resource: uidOf(resource),
      context: recordOf(types.context(uidOf(action), request.context)),
      entities,
    });
    const got = shape(answer);
    const expected = {
      decision: request.decision,
      reason: request.reason.toSorted(),
      errors: request.errors.toSorted(),
    };
    if (isDeepStrictEqual(got, expected)) report.passed(name);
    else report.failed(name, `expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`);
  } catch (error) {
    report.failed(name, messageOf(error));
  }
}

function shape({ allowed, reasons, errors }: Answer) {
  return {
    decision: allowed ? 'allow' : 'deny',
    reason: reasons.toSorted(),
    errors: errors.map(({ policy }) => policy).toSorted(),
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

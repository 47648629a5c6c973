import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { isDeepStrictEqual } from 'node:util';
import { CedarEngine, type Answer, type PolicySource } from '../../../src/pdp/cedar/engine.ts';
import { uidOf, type ValueJson } from '../../../src/pdp/cedar/literal.ts';
import { splitPolicies } from '../../../src/pdp/cedar/split.ts';
import { policyToJson } from '../../../src/pdp/cedar/to-json.ts';
import { entitiesOf, parseJson, recordOf, type EntityJson } from '../../harness/cedar-json.ts';
import type { Report } from '../report.ts';
import { readTar } from './read-tar.ts';
import { readSchema, type TypedJson } from './typed-json.ts';

/** The format of cedar-policy/cedar-integration-tests. */
type TestFile = {
  policies: string;
  entities: string;
  schema: string;
  requests: {
    description: string;
    principal: ValueJson;
    action: ValueJson;
    resource: ValueJson;
    context: Record<string, ValueJson>;
    decision: 'allow' | 'deny';
    reason: string[];
    errors: string[];
  }[];
};

/** Reads a file of the material by its path in the published repository. */
type Material = { paths: readonly string[]; read: (path: string) => string };

/** Compares decision, reasons and errors of each request in archives (`.tar.gz`, `.tar`) or folders of the format. */
export async function runCedarSuite(report: Report, args: readonly string[]): Promise<void> {
  if (args.length === 0) {
    report.failed('cedar', 'name a folder or an archive of the published tests');
    return;
  }
  for (const arg of args) {
    for (const material of openMaterial(arg)) runMaterial(material, report);
  }
}

function runMaterial(material: Material, report: Report): void {
  for (const path of material.paths) {
    const parsed = parseJson(material.read(path));
    if (typeof parsed !== 'object' || parsed === null || !('requests' in parsed)) continue;
    runFile(path, parsed as TestFile, material, report);
  }
}

function runFile(path: string, file: TestFile, material: Material, report: Report): void {
  let opened: { engine: CedarEngine; types: TypedJson; entities: ReturnType<typeof entitiesOf> };
  try {
    const types = readSchema(material.read(file.schema));
    const listed = parseJson(material.read(file.entities)) as EntityJson[];
    opened = {
      types,
      engine: new CedarEngine(readPolicies(material.read(file.policies))),
      entities: entitiesOf([...types.actions, ...listed.map(types.entity)]),
    };
  } catch (error) {
    // Each of its requests counts: what cannot be read is not skipped.
    file.requests.forEach((_request, place) => report.failed(`${path} ${place}`, String(error)));
    return;
  }
  file.requests.forEach((request, place) => {
    const action = uidOf(request.action);
    try {
      const answer = opened.engine.authorize({
        principal: uidOf(request.principal),
        action,
        resource: uidOf(request.resource),
        context: recordOf(opened.types.context(action, request.context)),
        entities: opened.entities,
      });
      const got = shape(answer);
      const expected = {
        decision: request.decision,
        reason: request.reason.toSorted(),
        errors: request.errors.toSorted(),
      };
      if (isDeepStrictEqual(got, expected)) report.passed(`${path} ${place}`);
      else report.failed(`${path} ${place}`, `expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`);
    } catch (error) {
      report.failed(`${path} ${place}`, String(error));
    }
  });
}

function shape({ allowed, reasons, errors }: Answer) {
  return {
    decision: allowed ? 'allow' : 'deny',
    reason: reasons.toSorted(),
    errors: errors.map(({ policy }) => policy).toSorted(),
  };
}

function readPolicies(text: string): PolicySource[] {
  return splitPolicies(text).map((statement, place) => {
    const answer = policyToJson(statement);
    if (!answer.ok) throw new Error(`line ${statement.line}: ${answer.error?.message}`);
    return { id: `policy${place}`, json: answer.json };
  });
}

function openMaterial(path: string): Material[] {
  if (!statSync(path).isDirectory()) {
    const bytes = readFileSync(path);
    const files = readTar(/\.(?:tgz|gz)$/.test(path) ? gunzipSync(bytes) : bytes);
    return [{ paths: jsonOf([...files.keys()]), read: (name) => known(files.get(name), name) }];
  }
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' }).toSorted();
  const archives = names.filter((name) => /\.(?:tar|tgz|tar\.gz)$/.test(name));
  const folder = {
    paths: jsonOf(names),
    // Paths are relative to the repository's root; a folder of it may be given instead.
    read: (name: string) => readFileSync(firstThatExists([path, join(path, '..'), join(path, '../..')], name), 'utf8'),
  };
  return [folder, ...archives.flatMap((name) => openMaterial(join(path, name)))];
}

function jsonOf(names: readonly string[]): string[] {
  return names.filter((name) => name.endsWith('.json'));
}

function known(text: string | undefined, name: string): string {
  if (text === undefined) throw new Error(`the archive has no \`${name}\``);
  return text;
}

function firstThatExists(roots: readonly string[], name: string): string {
  for (const root of roots) {
    if (statSync(join(root, name), { throwIfNoEntry: false })?.isFile() === true) return join(root, name);
  }
  throw new Error(`there is no \`${name}\` in \`${relative('.', roots[0]!)}\``);
}

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tarArchive, tarGz, type TarDialect, type TarEntry } from '../../fixtures/tar-archive.ts';
import type { Report } from '../report.ts';
import { readArchive } from './read-archive.ts';
import { runCedarSuite } from './suite.ts';

let folder: string;
let made = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'remit-corpus-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

type Outcome = { passed: string[]; failed: string[]; notes: string[] };

async function run(...args: string[]): Promise<Outcome> {
  const outcome: Outcome = { passed: [], failed: [], notes: [] };
  const report: Report = {
    passed: (name) => outcome.passed.push(name),
    failed: (name, why) => outcome.failed.push(`${name}: ${why}`),
    note: (text) => outcome.notes.push(text),
    finish: () => outcome.failed.length === 0,
  };
  await runCedarSuite(report, args);
  return outcome;
}

function archive(bytes: Buffer, name = 'corpus-tests.tar.gz'): string {
  return write(`${made++}/${name}`, bytes);
}

function write(path: string, content: string | Buffer): string {
  const full = join(folder, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, content);
  return full;
}

/** Writes the entries below a folder of their own. */
function unpacked(entries: readonly TarEntry[]): string {
  const root = `${made++}`;
  for (const { path, content = '', type = 'file' } of entries) {
    if (type === 'folder') mkdirSync(join(folder, root, path), { recursive: true });
    else write(join(root, path), content);
  }
  return join(folder, root);
}

function under(top: string, entries: readonly TarEntry[]): TarEntry[] {
  return [{ path: top, type: 'folder' }, ...entries.map((entry) => ({ ...entry, path: `${top}${entry.path}` }))];
}

const LONG = 'a-folder-whose-name-is-long/'.repeat(6);
const SCHEMA = `type Address = __cedar::ipaddr; type Place = { at?: Address };
  entity U in [U] = { n?: Long, place?: Place };
  action a appliesTo { principal: U, resource: U };`;
const SCHEMA_JSON = {
  '': {
    entityTypes: {
      U: {
        memberOfTypes: ['U'],
        shape: {
          type: 'Record',
          attributes: {
            n: { type: 'EntityOrCommon', name: 'Long', required: false },
            at: { type: 'Extension', name: 'ipaddr', required: false },
          },
        },
      },
    },
    actions: { a: { appliesTo: { principalTypes: ['U'], resourceTypes: ['U'] } } },
  },
};
const POLICY =
  'permit (principal in U::"g", action, resource) when { principal.n == 9223372036854775807 && principal.place.at.isLoopback() };';
const POLICIES_JSON = {
  staticPolicies: {
    named: {
      effect: 'permit',
      principal: { op: 'in', entity: { type: 'U', id: 'g' } },
      action: { op: 'All' },
      resource: { op: 'All' },
      conditions: [
        {
          kind: 'when',
          body: { '==': { left: { '.': { left: { Var: 'principal' }, attr: 'n' } }, right: { Value: 0 } } },
        },
      ],
    },
  },
  templates: {
    t: {
      effect: 'forbid',
      principal: { op: '==', slot: '?principal' },
      action: { op: 'All' },
      resource: { op: 'All' },
      conditions: [],
    },
  },
  templateLinks: [{ templateId: 't', newId: 'linked', values: { '?principal': { __entity: { type: 'U', id: 'z' } } } }],
};
const ENTITIES = `[
  {"uid": {"type": "U", "id": "u"}, "attrs": {"n": 9223372036854775807, "place": {"at": "127.0.0.1"}}, "parents": [{"type": "U", "id": "g"}]},
  {"uid": {"type": "U", "id": "v"}, "attrs": {"n": 9223372036854775806, "place": {"at": "127.0.0.1"}}, "parents": [{"type": "U", "id": "g"}]},
  {"uid": {"type": "U", "id": "w"}, "attrs": {}, "parents": [{"type": "U", "id": "g"}]}
]`;

function request(principal: string, decision: string, reason: string[], errors: string[] = []) {
  const uid = (type: string, id: string) => ({ type, id });
  return {
    description: principal,
    principal: uid('U', principal),
    action: uid('Action', 'a'),
    resource: uid('U', 'u'),
    context: {},
    validateRequest: true,
    decision,
    reason,
    errors,
  };
}

function testJson(
  names: { policies: string; entities: string; schema: string },
  requests: unknown[],
  more = {},
): string {
  return JSON.stringify({ ...names, shouldValidate: false, ...more, requests });
}

const REQUESTS = [
  request('u', 'allow', ['policy0']),
  request('v', 'deny', []),
  request('w', 'deny', [], ['policy0']),
  request('nobody', 'deny', []),
];
const JSON_NAMES = {
  policies: 'tests/json/p.cedar.json',
  entities: 'tests/json/p.entities.json',
  schema: 'tests/json/s.json',
};

/** The two test folders of the published repository, in small: four requests, then three. */
const REPOSITORY: TarEntry[] = [
  { path: 'tests', type: 'folder' },
  {
    path: `tests/${LONG}1.json`,
    content: testJson(
      { policies: `tests/${LONG}p.cedar`, entities: 'sample-data/e.json', schema: 'sample-data/s.cedarschema' },
      REQUESTS,
    ),
  },
  { path: `tests/${LONG}p.cedar`, content: POLICY },
  { path: 'sample-data/e.json', content: ENTITIES },
  { path: 'sample-data/s.cedarschema', content: SCHEMA },
  {
    path: 'tests/json/2.json',
    content: testJson(
      JSON_NAMES,
      [request('w', 'deny', [], ['named']), request('z', 'deny', ['linked']), request('x', 'allow', ['named'])],
      { policyFormat: 'json', schemaFormat: 'json' },
    ),
  },
  { path: 'tests/json/p.cedar.json', content: JSON.stringify(POLICIES_JSON) },
  { path: 'tests/json/s.json', content: JSON.stringify(SCHEMA_JSON) },
  {
    path: 'tests/json/p.entities.json',
    content: `[{"uid": {"type": "U", "id": "x"}, "attrs": {"n": -0}, "parents": [{"type": "U", "id": "g"}]},
      {"uid": {"type": "U", "id": "w"}, "attrs": {}, "parents": [{"type": "U", "id": "g"}]}]`,
  },
];
const APPLE: TarEntry[] = REPOSITORY.filter(({ type }) => type === undefined).map(({ path }) => ({
  path: path.replace(/[^/]+$/, (name) => `._${name}`),
  content: Buffer.from([0, 5, 22, 7, 0xff, 0xfe]),
}));

describe('each form that the published tests may come in', () => {
  const forms: [string, () => string][] = [
    ['an archive of GNU tar', () => archive(tarGz(REPOSITORY, 'gnu'))],
    ['an archive with pax headers', () => archive(tarGz(REPOSITORY, 'pax'))],
    ['a plain archive', () => archive(tarArchive(REPOSITORY, 'gnu'), 'tests.tar')],
    ['an archive whose name says nothing', () => archive(tarGz(REPOSITORY, 'pax'), 'download')],
    ['an archive with a leading ./', () => archive(tarGz(under('./', REPOSITORY), 'gnu'))],
    ['an archive with a top folder', () => archive(tarGz(under('cedar-integration-tests-main/', REPOSITORY), 'pax'))],
    ['an archive packed on macOS', () => archive(tarGz([...APPLE, ...REPOSITORY], 'pax'))],
    ['an archive with a BOM', () => archive(tarGz(withBom(REPOSITORY), 'pax'))],
    ['a folder', () => unpacked(REPOSITORY)],
    ['a folder from macOS', () => unpacked([...REPOSITORY, ...APPLE])],
    ['the folder `tests` alone', () => join(unpacked(REPOSITORY), 'tests')],
    [
      'a folder with the archive in it',
      () => unpacked([{ path: 'x/corpus-tests.tar.gz', content: tarGz(REPOSITORY, 'pax') }]),
    ],
    [
      'an archive with the archive in it',
      () => archive(tarGz([{ path: 'main/corpus-tests.tar.gz', content: tarGz(REPOSITORY, 'gnu') }], 'pax')),
    ],
  ];

  test.each(forms)('%s', async (_form, make) => {
    const { passed, failed, notes } = await run(make());
    expect(failed).toEqual([]);
    expect(passed).toHaveLength(7);
    expect(notes).toContain('2 test files with 7 requests');
  });

  test('a folder and the archive beside it are both run', async () => {
    const root = unpacked([...REPOSITORY, { path: 'corpus-tests.tar.gz', content: tarGz(REPOSITORY, 'pax') }]);
    expect(await run(root)).toMatchObject({ failed: [], passed: { length: 14 } });
  });

  test('a link in an archive stands for its file, and a linked folder for its files', async () => {
    const linked: TarEntry[] = REPOSITORY.map((entry) =>
      entry.path === 'sample-data/e.json' ? { ...entry, path: 'stored/e' } : entry,
    );
    const hard = archive(tarGz([...linked, { path: 'sample-data/e.json', type: 'link', content: 'stored/e' }], 'gnu'));
    const soft = archive(
      tarGz([{ path: 'sample-data/e.json', type: 'symlink', content: '../stored/e' }, ...linked], 'pax'),
    );
    const root = unpacked(REPOSITORY);
    mkdirSync(join(folder, 'linking'));
    symlinkSync(root, join(folder, 'linking', 'there'));
    symlinkSync(join(folder, 'linking'), join(folder, 'linking', 'loop'));
    for (const form of [hard, soft, join(folder, 'linking')]) {
      expect(await run(form)).toMatchObject({ failed: [], passed: { length: 7 } });
    }
  });
});

describe('nothing is skipped in silence', () => {
  const names = { policies: 'p.cedar', entities: 'e.json', schema: 's.cedarschema' };
  const files: TarEntry[] = [
    { path: 'p.cedar', content: POLICY },
    { path: 'e.json', content: ENTITIES },
    { path: 's.cedarschema', content: SCHEMA },
  ];
  const cases: [string, TarEntry[], RegExp[]][] = [
    ['no tests', files, [/holds no tests/]],
    ['a test that is not JSON', [{ path: '1.json', content: '{' }, ...files], [/^1\.json: .*JSON/]],
    ['a test that is not UTF-8', [{ path: '1.json', content: Buffer.from([0xff]) }], [/^1\.json: .*is not UTF-8/]],
    ['a test without requests', [{ path: '1.json', content: '{"shouldValidate": true}' }], [/^1\.json: .*no list/]],
    [
      'a request without an expectation',
      [{ path: '1.json', content: testJson(names, [{ context: {} }]) }, ...files],
      [/^1\.json: request 0 lacks/],
    ],
    [
      'a missing file',
      [{ path: '1.json', content: testJson(names, REQUESTS) }],
      [0, 1, 2, 3].map((place) => new RegExp(`^1\\.json ${place}: there is no \`p\\.cedar\``)),
    ],
    [
      'a policy that does not parse, and no requests',
      [{ path: '1.json', content: testJson(names, []) }, { path: 'p.cedar', content: 'permit' }, ...files.slice(1)],
      [/^1\.json: line 1/],
    ],
    [
      'a request for partial evaluation',
      [{ path: '1.json', content: testJson(names, [{ ...REQUESTS[0], principal: undefined }]) }, ...files],
      [/^1\.json 0: .*partial/],
    ],
    [
      'another decision',
      [{ path: '1.json', content: testJson(names, [{ ...REQUESTS[0], decision: 'deny' }]) }, ...files],
      [/^1\.json 0: expected/],
    ],
  ];

  test.each(cases)('%s fails', async (_what, entries, problems) => {
    for (const place of [archive(tarGz(entries, 'pax')), unpacked(entries)]) {
      const { passed, failed } = await run(place);
      expect(passed).toEqual([]);
      expect(failed).toHaveLength(problems.length);
      for (const [n, problem] of problems.entries()) expect(failed[n]).toMatch(problem);
    }
  });

  test('an archive that is damaged or ends early fails', async () => {
    const whole = tarArchive(REPOSITORY, 'gnu');
    const damaged = Buffer.from(whole);
    damaged[600] = damaged[600]! ^ 1;
    damaged[5] = damaged[5]! ^ 1;
    for (const bytes of [
      whole.subarray(0, 3000),
      tarGz(REPOSITORY, 'pax').subarray(0, 500),
      damaged,
      Buffer.from('text'),
    ]) {
      const { passed, failed } = await run(archive(bytes));
      expect(passed).toEqual([]);
      expect(failed).toHaveLength(1);
    }
  });

  test('what is not there fails', async () => {
    expect((await run(join(folder, 'nowhere'))).failed).toHaveLength(1);
    expect((await run()).failed).toHaveLength(1);
  });

  test('templates decide nothing by themselves, and count in the numbers of policies', async () => {
    const policies = `permit (principal == ?principal, action, resource); ${POLICY}`;
    const entries = [
      { path: '1.json', content: testJson(names, [request('u', 'allow', ['policy1'])]) },
      { path: 'p.cedar', content: policies },
      ...files.slice(1),
    ];
    expect(await run(unpacked(entries))).toMatchObject({ failed: [], passed: { length: 1 } });
  });

  test('how the validator differs from `shouldValidate` is said', async () => {
    const right = [{ path: '1.json', content: testJson(names, REQUESTS) }, ...files];
    const wrong = [{ path: '1.json', content: testJson(names, REQUESTS, { shouldValidate: true }) }, ...files];
    expect((await run(unpacked(right))).notes.join('\n')).toMatch(/as `shouldValidate` says: 1 of 1/);
    expect((await run(unpacked(wrong))).notes.join('\n')).toMatch(/as `shouldValidate` says: 0 of 1.*\n.*1\.json/);
  });
});

const PUBLISHED = '../shared/data/cedar';

describe.skipIf(!existsSync(PUBLISHED))('the published sample', () => {
  test('each case is equal', async () => {
    const { passed, failed } = await run(PUBLISHED);
    expect(failed).toEqual([]);
    const tests = [...readArchive(readFileSync(join(PUBLISHED, 'corpus-sample.tar.gz'))).entries()]
      .filter(([path]) => path.endsWith('.json') && !path.endsWith('.entities.json'))
      .map(([, bytes]) => bytes.toString());
    for (const name of readdirSync(join(PUBLISHED, 'tests'), { recursive: true, encoding: 'utf8' })) {
      if (name.endsWith('.json')) tests.push(readFileSync(join(PUBLISHED, 'tests', name), 'utf8'));
    }
    const requests = tests.map((text) => (JSON.parse(text) as { requests: unknown[] }).requests.length);
    expect(passed).toHaveLength(requests.reduce((sum, count) => sum + count, 0));
  });

  test('repacked, it is the same', async () => {
    const bytes = readFileSync(join(PUBLISHED, 'corpus-sample.tar.gz'));
    const some: TarEntry[] = [...readArchive(gunzipSync(bytes))]
      .slice(0, 240)
      .map(([path, content]) => ({ path, content }));
    const first = await run(unpacked(some));
    expect(first.failed).toEqual([]);
    expect(first.passed.length).toBeGreaterThan(300);
    for (const dialect of ['gnu', 'pax'] satisfies TarDialect[]) {
      for (const top of ['./', `${LONG}main/`]) {
        const again = await run(archive(tarGz(under(top, some), dialect)));
        expect(again.failed).toEqual([]);
        expect(again.passed).toHaveLength(first.passed.length);
      }
    }
  });
});

function withBom(entries: readonly TarEntry[]): TarEntry[] {
  return entries.map((entry) =>
    entry.path.endsWith('.json') ? { ...entry, content: `\u{FEFF}${String(entry.content)}` } : entry,
  );
}

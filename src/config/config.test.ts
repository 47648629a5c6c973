import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readConfig } from './config-file.ts';
import { readPolicyFolder } from './policy-folder.ts';
import { readSecret } from './read-secret.ts';

const quickstart = join(import.meta.dirname, '../../examples/quickstart');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'remit-config-'));
  cpSync(quickstart, folder, { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

const read = (options = { dev: true }) => readConfig(join(folder, 'remit.yaml'), options);

function edit(file: string, from: string, to: string) {
  const path = join(folder, file);
  const text = readFileSync(path, 'utf8');
  expect(text).toContain(from);
  writeFileSync(path, text.replace(from, to));
}

test('the quickstart is read, with absolute paths and defaults', () => {
  const config = read();
  expect(config).toMatchObject({
    server: { host: '127.0.0.1', port: 7070, publicUrl: 'http://127.0.0.1:7070' },
    policies: join(folder, 'policies'),
    token: { lifetimeSeconds: 300 },
    identity: { people: [{ issuer: 'http://127.0.0.1:7070/dev/idp', dev: true }] },
  });
  expect(config.targets.map((target) => target.name)).toEqual(['files', 'memory']);
});

test('with TLS, the public URL is https and files are relative to the configuration', () => {
  edit('remit.yaml', 'server:\n', 'server:\n  tls: { certificate_file: c.pem, key_file: k.pem }\n');
  expect(read().server).toMatchObject({
    publicUrl: 'https://127.0.0.1:7070',
    tls: { certificate: join(folder, 'c.pem'), key: join(folder, 'k.pem') },
  });
});

test('a bundle has one source', () => {
  const bundles: [string, object][] = [
    ['{ file: b.json }', { file: join(folder, 'b.json') }],
    ["{ https_web: { url: 'https://a.test/b' } }", { httpsWeb: 'https://a.test/b' }],
    ["{ workload_api: 'unix:///run/s' }", { workloadApi: 'unix:///run/s' }],
    [
      "{ https_spiffe: { url: 'https://a.test/', spiffe_id: 'spiffe://remit.local/b', bootstrap_file: b.json } }",
      {
        httpsSpiffe: { url: 'https://a.test/', spiffeId: 'spiffe://remit.local/b', bootstrap: join(folder, 'b.json') },
      },
    ],
  ];
  let last = 'bundle: dev #';
  for (const [text, bundle] of bundles) {
    edit('remit.yaml', last, (last = `bundle: ${text} #`));
    expect(read().identity.trustDomains).toEqual([{ name: 'remit.local', bundle }]);
  }
});

const broken: [string, string, string, string, string][] = [
  ['no YAML', 'remit.yaml', 'server:\n', 'server: [\n', 'remit.yaml:'],
  [
    'an unknown field',
    'remit.yaml',
    'policies: policies',
    'policies: policies\nprot: 1',
    'remit.yaml:9: `prot` is not a known field',
  ],
  ['an unknown nested field', 'remit.yaml', 'listen:', 'listne:', 'remit.yaml:3: `server.listne` is not a known field'],
  ['a field twice', 'remit.yaml', 'policies: policies', 'policies: policies\npolicies: x', 'remit.yaml:9'],
  [
    'a missing security field',
    'targets/files.yaml',
    '{ effect: write, resources',
    '{ resources',
    '`operations.write_file.effect`',
  ],
  [
    'an unknown effect',
    'targets/memory.yaml',
    'read_graph: { effect: read }',
    'read_graph: { effect: look }',
    'memory.yaml:11: `operations.read_graph.effect`',
  ],
  ['no sensitivity', 'targets/files.yaml', 'sensitivity: internal\n', '', '`sensitivity`'],
  [
    'a resource server that is a trust domain alone',
    'targets/files.yaml',
    'kind: mcp',
    'kind: mcp\nresource_server: spiffe://remit.local',
    'files.yaml:4: `resource_server`: expected the SPIFFE ID of a workload; it names a trust domain',
  ],
  ['a reserved target name', 'targets/files.yaml', 'name: files', 'name: remit', 'files.yaml:2: `name`'],
  ['two targets of one name', 'targets/files.yaml', 'name: files', 'name: memory', 'target `memory` is named twice'],
  [
    'a missing target file',
    'remit.yaml',
    'targets/memory.yaml',
    'targets/none.yaml',
    'none.yaml: cannot be read (ENOENT)',
  ],
  ['a bad port', 'remit.yaml', '127.0.0.1:7070', '127.0.0.1:99999', 'port 99999 does not exist'],
  [
    'a public address without a public URL',
    'remit.yaml',
    '127.0.0.1:7070',
    '0.0.0.0:7070',
    '`server.public_url`: is required',
  ],
  [
    'plain http in public',
    'remit.yaml',
    'listen: 127.0.0.1:7070',
    'listen: 0.0.0.0:7070\n  public_url: http://remit.example.test',
    'expected https',
  ],
  [
    'plain http in public over TLS',
    'remit.yaml',
    'listen: 127.0.0.1:7070',
    'listen: 127.0.0.1:7070\n  public_url: http://127.0.0.1:7070\n  tls: { certificate_file: c, key_file: k }',
    'expected https, since `server.tls` is set',
  ],
  [
    'TLS without a key',
    'remit.yaml',
    'listen: 127.0.0.1:7070',
    'listen: 127.0.0.1:7070\n  tls: { certificate_file: c }',
    '`server.tls.key_file`',
  ],
  ['a skew of a minute', 'remit.yaml', 'data:', 'clock_skew_seconds: 60\ndata:', '`clock_skew_seconds`'],
  ['a sample of more than all', 'remit.yaml', 'sample: 0.01', 'sample: 1.01', '`policy.referee.sample`'],
  ['a queue of none', 'remit.yaml', 'queue: 256', 'queue: 0', '`policy.referee.queue`'],
  ['a token of an hour', 'remit.yaml', 'data:', 'token: { lifetime_seconds: 3600 }\ndata:', '`token.lifetime_seconds`'],
  [
    'a bundle of nowhere',
    'remit.yaml',
    'bundle: dev #',
    'bundle: prod #',
    'where the keys of this trust domain come from',
  ],
  [
    'a key-encryption key of nowhere',
    'remit.yaml',
    'data:',
    'keys: { encryption: { previous: { env: OLD } } }\ndata:',
    '`keys.encryption`: expected one of `file`, `env` and `command`',
  ],
  [
    'a key-encryption key of two places',
    'remit.yaml',
    'data:',
    'keys: { encryption: { file: key, env: KEY } }\ndata:',
    '`keys.encryption',
  ],
  [
    'a command as one text',
    'remit.yaml',
    'data:',
    'keys: { encryption: { command: "cat key" } }\ndata:',
    '`keys.encryption',
  ],
  ['an empty command', 'remit.yaml', 'data:', 'keys: { encryption: { command: [] } }\ndata:', '`keys.encryption'],
  ...(
    [
      [
        'an endpoint without TLS',
        "https_web: { url: 'http://a.test/' }",
        'expected the https URL of a bundle endpoint',
      ],
      ['an endpoint with a password', "https_web: { url: 'https://a:b@a.test/' }", 'without user information'],
      [
        'an endpoint of no workload',
        "https_spiffe: { url: 'https://a.test/', spiffe_id: 'spiffe://a.test', bootstrap_file: b }",
        'expected the SPIFFE ID of the bundle endpoint',
      ],
      [
        'an endpoint of this trust domain without a first bundle',
        "https_spiffe: { url: 'https://a.test/', spiffe_id: 'spiffe://remit.local/b' }",
        'name a `bootstrap_file` with its bundle',
      ],
      [
        'a first bundle of another trust domain',
        "https_spiffe: { url: 'https://a.test/', spiffe_id: 'spiffe://a.test/b', bootstrap_file: b }",
        'not from a `bootstrap_file`',
      ],
      [
        'an endpoint of a trust domain that is not there',
        "https_spiffe: { url: 'https://a.test/', spiffe_id: 'spiffe://a.test/b' }",
        'which is not a trust domain of this configuration',
      ],
      ['a Workload API over TCP', "workload_api: 'tcp://127.0.0.1:1'", 'expected `unix://` and an absolute path'],
      ['two sources', "file: b, workload_api: 'unix:///s'", 'trust_domains'],
    ] as const
  ).map(([name, bundle, message]): [string, string, string, string, string] => [
    name,
    'remit.yaml',
    'bundle: dev #',
    `bundle: { ${bundle} } #`,
    message,
  ]),
  ['a trust domain that is none', 'remit.yaml', 'remit.local', 'Remit.Local', 'expected a trust domain name'],
];

test.each(broken)('%s is refused in one line that says where and what', (_name, file, from, to, message) => {
  edit(file, from, to);
  let said = '';
  expect(() => {
    try {
      read();
    } catch (error) {
      said = (error as Error).message;
      throw error;
    }
  }).toThrow();
  expect(said).toContain(message);
  expect(said).not.toContain('\n');
});

test('a key-encryption key comes from a file beside the configuration, a variable or a command', () => {
  const encryption = (text: string) => {
    cpSync(join(quickstart, 'remit.yaml'), join(folder, 'remit.yaml'));
    edit('remit.yaml', 'data:', `keys: { encryption: ${text} }\ndata:`);
    return read().keys.encryption;
  };
  expect(read().keys.encryption).toBeNull();
  expect(encryption('{ file: key }')).toEqual({ current: { file: join(folder, 'key') }, previous: null });
  expect(encryption('{ env: KEY, previous: { file: /key } }')).toEqual({
    current: { env: 'KEY' },
    previous: { file: '/key' },
  });
  expect(encryption('{ command: [vault, kv, get] }')).toEqual({
    current: { command: ['vault', 'kv', 'get'] },
    previous: null,
  });
});

test('vaults have an address, and a token from elsewhere; a credential is in one that is there', () => {
  edit(
    'remit.yaml',
    'data:',
    "vaults: { main: { address: 'https://vault.example/', token: { from_file: t } } }\ndata:",
  );
  expect(read().vaults).toEqual([
    { name: 'main', address: 'https://vault.example', token: { fromFile: join(folder, 't') }, namespace: null },
  ]);
  const vault = (text: string) => () => {
    cpSync(join(quickstart, 'remit.yaml'), join(folder, 'remit.yaml'));
    edit('remit.yaml', 'data:', `vaults: { main: ${text} }\ndata:`);
    return read();
  };
  const inItself = "{ address: 'https://v.example', token: { from_vault: { vault: main, path: a/b, field: c } } }";
  expect(vault(inItself)).toThrow('expected a place outside of the vault');
  expect(vault("{ address: 'http://v.example', token: { from_env: T } }")).toThrow('expected an https URL');
  const target = `name: crm
kind: mcp
upstream: { http: { url: 'https://crm.example.com' } }
credential: { kind: query, name: k, value: { from_vault: { vault: other, path: a/b, field: c } } }
sensitivity: internal
operations: {}
`;
  writeFileSync(join(folder, 'targets', 'crm.yaml'), target);
  vault("{ address: 'https://v.example', token: { from_env: T } }")();
  edit('remit.yaml', 'targets:', 'targets:\n  - targets/crm.yaml');
  expect(() => read()).toThrow(
    'target `crm` reads `vault:other/a/b#c`, and there is no such vault; name it under `vaults`',
  );
});

test('development parts are refused without --dev', () => {
  expect(() => read({ dev: false })).toThrow('needs --dev');
});

test('a policy folder that is missing or empty is refused', () => {
  expect(() => readPolicyFolder(join(folder, 'none'))).toThrow('cannot be read');
  expect(() => readPolicyFolder(join(folder, 'targets'))).toThrow('no .cedar file');
});

test('a secret comes from where the source says, and a missing one is named but not shown', () => {
  writeFileSync(join(folder, 'secret'), 'from-file\n');
  expect(readSecret({ fromFile: join(folder, 'secret') }, {})).toBe('from-file');
  expect(readSecret({ fromEnv: 'KEY' }, { KEY: 'from-env' })).toBe('from-env');
  expect(() => readSecret({ fromEnv: 'KEY' }, {})).toThrow('`KEY` is not set');
});

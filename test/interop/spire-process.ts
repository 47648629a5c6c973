import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, until } from '../harness/remit-process.ts';

export const TRUST_DOMAIN = 'example.org';
const SVID_TTL = '1m';

/** A SPIRE server and agent of its own, in a folder. */
export type Spire = {
  /** `SPIFFE_ENDPOINT_SOCKET` of the agent. */
  endpoint: string;
  bundleUrl: string;
  bundle(): string;
  /** Whoever runs this program is this workload. */
  register(id: string, program: string, dns?: string): void;
  /** Makes a new authority, signs with it, and takes the old one out, as `settled` says that all have followed. */
  rotate(kind: 'x509' | 'jwt', settled: (step: 'prepared' | 'tainted') => Promise<void>): Promise<void>;
  stop(): Promise<void>;
};

export async function startSpire(folder: string): Promise<Spire> {
  const port = await freePort();
  const bundlePort = await freePort();
  const serverSocket = join(folder, 'server.sock');
  const agentSocket = join(folder, 'agent.sock');
  writeFileSync(join(folder, 'server.conf'), serverConf(folder, serverSocket, port, bundlePort));
  writeFileSync(join(folder, 'agent.conf'), agentConf(folder, agentSocket, port));
  const command = (...args: string[]): string => {
    const run = spawnSync('spire-server', [...args, '-socketPath', serverSocket], { encoding: 'utf8' });
    if (run.status !== 0) throw new Error(`spire-server ${args.join(' ')}: ${run.stderr}${run.stdout}`);
    return run.stdout;
  };
  const healthy = (program: string, socket: string) => () =>
    spawnSync(program, ['healthcheck', '-socketPath', socket]).status === 0;

  const server = start('spire-server', ['run', '-config', join(folder, 'server.conf')], join(folder, 'server.log'));
  await until(healthy('spire-server', serverSocket), 60_000);
  const node = `spiffe://${TRUST_DOMAIN}/node`;
  const { value: joinToken } = JSON.parse(command('token', 'generate', '-spiffeID', node, '-output', 'json')) as {
    value: string;
  };
  const agentArgs = ['run', '-config', join(folder, 'agent.conf'), '-joinToken', joinToken];
  const agent = start('spire-agent', agentArgs, join(folder, 'agent.log'));
  await until(healthy('spire-agent', agentSocket), 60_000);

  return {
    endpoint: `unix://${agentSocket}`,
    bundleUrl: `https://127.0.0.1:${bundlePort}/`,
    bundle: () => command('bundle', 'show', '-format', 'spiffe'),
    register: (id, program, dns) => {
      const names = dns === undefined ? [] : ['-dns', dns];
      command('entry', 'create', '-parentID', node, '-spiffeID', id, '-selector', `unix:path:${program}`, ...names);
    },
    rotate: async (kind, settled) => {
      const authority = (...args: string[]) =>
        JSON.parse(command('localauthority', kind, ...args, '-output', 'json')) as Record<
          string,
          { authority_id: string }
        >;
      const old = authority('show')['active']!.authority_id;
      const next = authority('prepare')['prepared_authority']!.authority_id;
      await settled('prepared');
      authority('activate', '-authorityID', next);
      authority('taint', '-authorityID', old);
      await settled('tainted');
      authority('revoke', '-authorityID', old);
    },
    stop: async () => {
      await end(agent);
      await end(server);
    },
  };
}

function start(program: string, args: string[], log: string): ChildProcess {
  const out = openSync(log, 'a');
  const child = spawn(program, args, { stdio: ['ignore', out, out] });
  closeSync(out);
  child.once('exit', (code) => {
    if (code !== null && code !== 0) process.stderr.write(readFileSync(log, 'utf8'));
  });
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await exited;
}

function serverConf(folder: string, socket: string, port: number, bundlePort: number): string {
  return `server {
  bind_address = "127.0.0.1"
  bind_port = "${port}"
  socket_path = "${socket}"
  trust_domain = "${TRUST_DOMAIN}"
  data_dir = "${join(folder, 'server')}"
  log_level = "WARN"
  default_x509_svid_ttl = "${SVID_TTL}"
  federation {
    bundle_endpoint {
      address = "127.0.0.1"
      port = ${bundlePort}
      profile "https_spiffe" {}
    }
  }
}
plugins {
  DataStore "sql" { plugin_data { database_type = "sqlite3" connection_string = "${join(folder, 'spire.sqlite3')}" } }
  NodeAttestor "join_token" { plugin_data {} }
  KeyManager "memory" { plugin_data {} }
}
`;
}

function agentConf(folder: string, socket: string, port: number): string {
  return `agent {
  data_dir = "${join(folder, 'agent')}"
  log_level = "WARN"
  server_address = "127.0.0.1"
  server_port = "${port}"
  socket_path = "${socket}"
  trust_domain = "${TRUST_DOMAIN}"
  insecure_bootstrap = true
}
plugins {
  NodeAttestor "join_token" { plugin_data {} }
  KeyManager "memory" { plugin_data {} }
  WorkloadAttestor "unix" { plugin_data { discover_workload_path = true } }
}
`;
}

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { InvalidRequest } from '../../core/errors.ts';
import { withAgentSession } from '../as-agent.ts';
import { UsageError, type Command } from '../io.ts';
import { readInterception } from './interceptions.ts';
import { makeLocalCertificates } from './local-certificates.ts';
import { openForwardProxy } from './proxy.ts';

export const PROXY_USAGE = `remit proxy --task ID --intercept TARGET=URL… [--listen 127.0.0.1:PORT] [-- COMMAND…]
                                               a forward proxy on this machine for clients that know nothing of Remit: what
                                               they send to URL goes to the HTTP target (or, as authzen/TARGET,
                                               to the decision point of one) as the agent's; everything else is
                                               refused; runs COMMAND with HTTPS_PROXY and its certificate set, or prints them`;

/** `remit proxy`: runs a command whose HTTP requests go through Remit, or stays until it is stopped. */
export const proxy: Command = async (args, io) => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      task: { type: 'string' },
      'dev-id': { type: 'string' },
      intercept: { type: 'string', multiple: true, default: [] },
      listen: { type: 'string', default: '127.0.0.1:0' },
    },
  });
  if (values.intercept.length === 0) throw new UsageError(PROXY_USAGE);
  const interceptions = values.intercept.map(readInterception);
  const listen = readAddress(values.listen);
  const certificates = await makeLocalCertificates(
    interceptions.filter(({ origin }) => origin.startsWith('https:')).map(({ origin }) => new URL(origin).hostname),
    Date.now(),
  );
  const folder = mkdtempSync(join(tmpdir(), 'remit-proxy-'));
  const authority = join(folder, 'authority.pem');
  writeFileSync(authority, certificates.authority, { mode: 0o600 });
  try {
    return await withAgentSession(values, io, async (session) => {
      const secret = randomBytes(24).toString('base64url');
      const opened = await openForwardProxy({
        session,
        remitUrl: io.remitUrl,
        interceptions,
        certificates,
        secret,
        listen,
      });
      try {
        const settings = environment(opened.url, authority);
        if (positionals.length > 0) return await run(positionals, { ...io.env, ...settings });
        for (const [name, value] of Object.entries(settings)) io.out(`export ${name}='${value}'`);
        await stopped();
        return 0;
      } finally {
        await opened.close();
      }
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** What clients of many languages read: where the proxy is, and whom to trust. */
function environment(url: string, authority: string): Record<string, string> {
  const proxies = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'].map((name) => [name, url] as const);
  const trust = [
    'SSL_CERT_FILE',
    'CURL_CA_BUNDLE',
    'REQUESTS_CA_BUNDLE',
    'GIT_SSL_CAINFO',
    'AWS_CA_BUNDLE',
    'NODE_EXTRA_CA_CERTS',
  ];
  return {
    ...Object.fromEntries(proxies),
    ...Object.fromEntries(trust.map((name) => [name, authority] as const)),
    NODE_USE_ENV_PROXY: '1',
    NO_PROXY: '',
    no_proxy: '',
  };
}

function readAddress(text: string): { host: string; port: number } {
  const [, host, port] = /^(127\.0\.0\.1|localhost|\[::1\]):(\d{1,5})$/.exec(text) ?? [];
  // Whoever reaches it with the secret is the agent: it is not for a network.
  if (host === undefined)
    throw new InvalidRequest(`\`${text}\`: expected a loopback address and a port, \`127.0.0.1:8888\``);
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

async function run(command: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { stdio: 'inherit', env });
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  process.on('SIGINT', forward).on('SIGTERM', forward);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', (cause) => reject(new InvalidRequest(`\`${program}\` cannot be started`, { cause })));
      child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)));
    });
  } finally {
    process.off('SIGINT', forward).off('SIGTERM', forward);
  }
}

function stopped(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}

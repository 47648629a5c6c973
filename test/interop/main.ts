/** `npm run interop -- PEER [--json]`: real peers that have to be installed. Exit 0 when nothing failed, or the peer is not here. */
import { createReport, type Report } from '../conformance/report.ts';
import { missingSpire, runSpire } from './spire.ts';

type Peer = { about: string; missing: () => string | null; run: (report: Report) => Promise<void> };

const PEERS: Record<string, Peer> = {
  spire: {
    about: 'SPIRE as authority, Workload API and bundle endpoint: needs spire-server and spire-agent on the PATH',
    missing: missingSpire,
    run: runSpire,
  },
};

const args = process.argv.slice(2);
const json = args.includes('--json');
const name = args.find((arg) => arg !== '--json');
const peer = name !== undefined && Object.hasOwn(PEERS, name) ? PEERS[name] : undefined;

if (peer === undefined) {
  const known = Object.entries(PEERS).map(([key, { about }]) => `  ${key.padEnd(8)} ${about}`);
  process.stderr.write(`usage: npm run interop -- PEER [--json]\n\npeers:\n${known.join('\n')}\n`);
  process.exitCode = 2;
} else {
  const missing = peer.missing();
  if (missing === null) {
    const report = createReport(json, (line) => process.stdout.write(`${line}\n`));
    await peer.run(report);
    process.exitCode = report.finish(name ?? '') ? 0 : 1;
  } else {
    process.stdout.write(
      json ? `${JSON.stringify({ name, value: 'skipped', why: missing })}\n` : `skipped: ${missing}\n`,
    );
  }
}

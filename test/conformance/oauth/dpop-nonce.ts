/** RFC 9449, sections 8 and 9, by independent clients: a Remit of its own that wants a nonce in each proof. */
import { strict as assert } from 'node:assert';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as oauth from 'oauth4webapi';
import * as oidc from 'openid-client';
import { startRemit } from '../../harness/remit-process.ts';
import { signIn } from './sign-in.ts';
import type { Check } from './suite.ts';

const insecure = { [oauth.allowInsecureRequests]: true } as const;
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

export async function dpopNonceChecks(check: Check): Promise<void> {
  const remit = await startRemit({
    prepare: (folder) => {
      const file = join(folder, 'remit.yaml');
      writeFileSync(file, `${readFileSync(file, 'utf8')}\ndpop: { nonce: required }\n`);
    },
  });
  try {
    const api = `${remit.url}/v1`;
    const issuer = new URL(remit.url);
    const discovered = await oauth.discoveryRequest(issuer, { ...insecure, algorithm: 'oauth2' });
    const server = await oauth.processDiscoveryResponse(issuer, discovered);
    const client: oauth.Client = { client_id: 'remit' };
    const keys = await oauth.generateKeyPair('ES256');
    const bound = { ...insecure, DPoP: oauth.DPoP(client, keys) };
    const { idToken } = await signIn(`${remit.url}/dev/idp`, 'alice');
    const parameters = {
      subject_token: idToken,
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
      resource: api,
    };
    const ask = async () => {
      const answer = await oauth.genericTokenEndpointRequest(server, client, oauth.None(), EXCHANGE, parameters, bound);
      return oauth.processGenericTokenEndpointResponse(server, client, answer);
    };
    await check('nonce: the token endpoint asks for one, as oauth4webapi understands it (RFC 9449 8)', async () => {
      await assert.rejects(ask(), (error) => oauth.isDPoPNonceError(error));
    });
    const token = await check('nonce: oauth4webapi gets a token with it (RFC 9449 8)', async () => ask());
    await check('nonce: a resource asks for one, and takes it of oauth4webapi (RFC 9449 9)', async () => {
      const fresh = { ...insecure, DPoP: oauth.DPoP(client, keys) };
      const get = () =>
        oauth.protectedResourceRequest(
          token?.access_token ?? '',
          'GET',
          new URL(`${api}/tasks`),
          undefined,
          undefined,
          fresh,
        );
      await assert.rejects(get(), (error) => oauth.isDPoPNonceError(error));
      assert.equal((await get()).status, 200);
    });
    await check('nonce: openid-client asks again by itself (RFC 9449 8)', async () => {
      const config = new oidc.Configuration(server as oidc.ServerMetadata, 'remit', undefined, oidc.None());
      oidc.allowInsecureRequests(config);
      const DPoP = oidc.getDPoPHandle(config, keys);
      const answer = await oidc.genericGrantRequest(config, EXCHANGE, parameters, { DPoP });
      assert.equal(typeof answer.access_token, 'string');
    });
    await check('nonce: the command line and the agent session ask again by themselves', async () => {
      const listed = await remit.cli(['task', 'list', '--as', 'alice', '--json']);
      assert.equal(listed.code, 0, listed.stderr);
    });
  } finally {
    await remit.dispose();
  }
}

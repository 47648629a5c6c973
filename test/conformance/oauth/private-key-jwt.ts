/** RFC 7523 client authentication by independent clients: `oauth4webapi` and `openid-client`. */
import { strict as assert } from 'node:assert';
import { decodeJwt, type CryptoKey } from 'jose';
import * as oauth from 'oauth4webapi';
import * as oidc from 'openid-client';
import type { Check } from './suite.ts';

export async function privateKeyJwtChecks(
  check: Check,
  given: {
    server: oauth.AuthorizationServer;
    bound: { readonly [oauth.allowInsecureRequests]: true; DPoP: oauth.DPoPHandle };
    client: oauth.Client;
    key: { key: CryptoKey; kid: string };
    /** A key pair for the DPoP proofs of `openid-client`. */
    proofKeys: oauth.CryptoKeyPair;
    resource: string;
  },
): Promise<void> {
  const { server, bound, client, key, proofKeys, resource } = given;
  await check('client credentials by private_key_jwt: accepted by oauth4webapi (RFC 7523 2.2)', async () => {
    const by = oauth.PrivateKeyJwt(key);
    const answer = await oauth.clientCredentialsGrantRequest(server, client, by, { resource }, bound);
    const { access_token: token } = await oauth.processClientCredentialsResponse(server, client, answer);
    assert.equal(decodeJwt(token).sub, client.client_id);
  });
  await check('client credentials by private_key_jwt: accepted by openid-client (RFC 7523 2.2)', async () => {
    const metadata = server as oidc.ServerMetadata;
    const config = new oidc.Configuration(metadata, client.client_id, undefined, oidc.PrivateKeyJwt(key));
    oidc.allowInsecureRequests(config);
    const DPoP = oidc.getDPoPHandle(config, proofKeys);
    const answer = await oidc.clientCredentialsGrant(config, { resource }, { DPoP });
    assert.equal(decodeJwt(answer.access_token).sub, client.client_id);
  });
  await check('client credentials by private_key_jwt: an assertion is good once (RFC 7523 3)', async () => {
    let assertion: string | null = null;
    const again: oauth.ClientAuth = async (metadata, one, body, headers) => {
      await oauth.PrivateKeyJwt(key)(metadata, one, body, headers);
      if (assertion === null) assertion = body.get('client_assertion');
      else body.set('client_assertion', assertion);
    };
    const ask = () => oauth.clientCredentialsGrantRequest(server, client, again, { resource }, bound);
    assert.equal((await ask()).status, 200);
    assert.equal((await ask()).status, 401);
  });
}

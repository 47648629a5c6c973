import { afterEach, expect, test } from 'vitest';
import { API, openClient, openControlPlane, type ControlPlane } from '../../test/fixtures/control-plane.ts';

/** What an identity provider says of a person reaches policy: groups, `acr`, `amr` and `auth_time`, each on its own. */
const POLICIES = {
  'all.cedar': `
    permit (principal, action, resource);
    @reason("not in staff") forbid (principal is Person, action, resource) unless { principal in Group::"staff" };
    @reason("acr") forbid (principal is Person, action, resource) unless { principal has acr && principal.acr == "phr" };
    @reason("amr") forbid (principal is Person, action, resource) unless { principal.amr.contains("hwk") };
    @reason("auth_time") forbid (principal is Person, action, resource)
    unless {
      principal has auth_time && context.now.time.durationSince(principal.auth_time) <= duration("10m")
    };`,
};

let plane: ControlPlane;
afterEach(() => plane.close());

test.each([
  ['as strong as asked', {}, null],
  ['in another group', { groups: ['visitors'] }, 'not in staff'],
  ['of another context', { acr: 'pwd' }, 'acr'],
  ['of no context', { acr: undefined }, 'acr'],
  ['by another method', { amr: ['pwd'] }, 'amr'],
  ['by methods that are no texts', { amr: [{ hwk: true }] }, 'amr'],
  ['long ago', { auth_time: -660 }, 'auth_time'],
  ['at no time that is known', { auth_time: undefined }, 'auth_time'],
])('a sign-in %s', async (_name, claims: Record<string, unknown>, reason) => {
  plane = await openControlPlane({ policies: POLICIES });
  const client = await openClient(plane);
  const now = Math.floor(plane.clock.now() / 1000);
  const ago = 'auth_time' in claims ? claims['auth_time'] : -60;
  const response = await client.token({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    subject_token: await plane.idToken('alice', {
      groups: ['staff'],
      acr: 'phr',
      amr: ['hwk'],
      ...claims,
      auth_time: typeof ago === 'number' ? now + ago : undefined,
    }),
    resource: API,
  });
  const { error_description: said } = (await response.json()) as { error_description?: string };
  expect(response.status).toBe(reason === null ? 200 : 400);
  if (reason !== null) expect(said).toContain(reason);
});

import { isJsonObject, type JsonObject } from '../../core/json.ts';
import type { ImportedTarget } from '../imported.ts';
import { asText } from './as-text.ts';
import type { References } from './references.ts';

type Stub = ImportedTarget['credential'];

/**
 * How the target is authenticated to, as far as its document says: the first scheme that it asks for of all operations, and
 * the others as comments. Where the secret is kept is a name in the encrypted store, which somebody fills.
 */
export function credentialOf(document: JsonObject, references: References, target: string): Stub {
  const { components, securityDefinitions, security } = document;
  const schemes = isJsonObject(securityDefinitions)
    ? securityDefinitions
    : isJsonObject(components) && isJsonObject(components['securitySchemes'])
      ? components['securitySchemes']
      : {};
  const asked = (Array.isArray(security) ? security : []).filter(isJsonObject).flatMap((each) => Object.keys(each));
  const names = [...new Set([...asked, ...Object.keys(schemes)])].filter((name) => Object.hasOwn(schemes, name));
  const stubs = names.map((name) => ({ name, ...stubOf(references.follow(schemes[name]), target) }));
  const first = stubs.find(({ form }) => form !== undefined);
  if (stubs.length === 0) {
    return {
      form: undefined,
      comments: ['its document names no way to authenticate; say how in `credential`, if there is one'],
    };
  }
  const others = stubs.filter((stub) => stub !== first);
  return {
    form: first?.form,
    comments: [
      ...(first === undefined ? [] : [`\`${first.name}\`: ${first.say}`]),
      ...others.map(({ name, say }) => `instead, \`${name}\`: ${say}`),
    ],
  };
}

function stubOf(scheme: JsonObject, target: string): { form?: JsonObject; say: string } {
  const secret = { from_store: target };
  const fill = `put its secret into the store with \`remit secret set ${target}\``;
  const kind = asText(scheme['type'] ?? '').toLowerCase();
  const spelled = asText(scheme['scheme'] ?? '').toLowerCase();
  if (kind === 'apikey' && typeof scheme['name'] === 'string') {
    if (scheme['in'] === 'header') return { form: { kind: 'header', name: scheme['name'], value: secret }, say: fill };
    if (scheme['in'] === 'query') return { form: { kind: 'query', name: scheme['name'], value: secret }, say: fill };
    return { say: 'a key in a cookie, which is not injected' };
  }
  if (kind === 'basic' || (kind === 'http' && spelled === 'basic')) {
    return { form: { kind: 'basic', username: 'remit', password: secret }, say: `${fill}, and set the user name` };
  }
  if (kind === 'http' && spelled === 'bearer') {
    return { form: { kind: 'header', name: 'Authorization', prefix: 'Bearer ', value: secret }, say: fill };
  }
  if (kind === 'mutualtls') return { say: 'a client certificate: `credential: { kind: client_certificate, … }`' };
  if (kind === 'oauth2') return { say: oauth(scheme) };
  if (kind === 'openidconnect')
    return { say: 'OpenID Connect: `kind: delegator` or `kind: oauth_client`, with its token URL' };
  return { say: `\`${kind}\`, which has to be written by hand` };
}

function oauth(scheme: JsonObject): string {
  const flows = isJsonObject(scheme['flows']) ? scheme['flows'] : { [asText(scheme['flow'] ?? '')]: scheme };
  const tokenUrl = (flow: unknown) =>
    isJsonObject(flow) && typeof flow['tokenUrl'] === 'string' ? flow['tokenUrl'] : '…';
  const machine = flows['clientCredentials'] ?? flows['application'];
  if (machine !== undefined) {
    return `OAuth client credentials: \`{ kind: oauth_client, token_url: "${tokenUrl(machine)}", client_id: …, client_secret: … }\``;
  }
  const person = flows['authorizationCode'] ?? flows['accessCode'];
  if (person === undefined) return 'OAuth by a flow that is no longer used; write a `credential` by hand';
  return `each delegator consents: \`{ kind: delegator, token_url: "${tokenUrl(person)}", authorization_url: …, client_id: … }\``;
}

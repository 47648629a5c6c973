import { InvalidConfig } from '../../core/errors.ts';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { asText } from './as-text.ts';

/**
 * The base URL that a document's operations are below, without a trailing slash, and what is left to say about it.
 *
 * @param from the URL that the document itself came from, which a relative server is relative to.
 * @param told what the person says; it wins.
 */
export function serverOf(
  file: string,
  document: JsonObject,
  { from, told }: { from: string | undefined; told: string | undefined },
): { url: string; notes: string[] } {
  const servers = told === undefined ? serversOf(document) : [told];
  const urls = servers.map((server) => (URL.canParse(server, from) ? new URL(server, from) : undefined));
  const usable = urls.filter((url) => url !== undefined && /^https?:$/.test(url.protocol)) as URL[];
  const url = usable.find(({ protocol }) => protocol === 'https:') ?? usable[0];
  if (url === undefined) {
    throw new InvalidConfig(`${file}: does not say at which URL it is served; add \`--server URL\``);
  }
  const notes: string[] = [];
  if (url.protocol === 'http:') notes.push('its server is reached without TLS');
  if (usable.length > 1) {
    const others = usable.filter((each) => each !== url).map(({ href }) => href);
    notes.push(`it names other servers, too: ${others.slice(0, 5).join(', ')}; choose with \`--server URL\``);
  }
  return { url: `${url.origin}${url.pathname}`.replace(/\/+$/, ''), notes };
}

function serversOf(document: JsonObject): string[] {
  if (typeof document['swagger'] === 'string') return ofSwagger(document);
  const servers = Array.isArray(document['servers']) ? document['servers'].filter(isJsonObject) : [];
  return servers.flatMap(({ url, variables }) => {
    if (typeof url !== 'string') return [];
    const values = isJsonObject(variables) ? variables : {};
    // A variable without a default is left as it stands, and then no URL.
    return [
      url.replaceAll(/\{([^}]*)\}/g, (whole, name: string) => {
        const variable = values[name];
        return isJsonObject(variable) && variable['default'] !== undefined ? asText(variable['default']) : whole;
      }),
    ].filter((text) => !/[{}]/.test(text));
  });
}

function ofSwagger({ host, basePath, schemes }: JsonObject): string[] {
  if (typeof host !== 'string') return typeof basePath === 'string' ? [basePath] : [];
  const path = typeof basePath === 'string' ? basePath : '';
  const named = Array.isArray(schemes) ? schemes.filter((scheme) => typeof scheme === 'string') : [];
  return (named.length > 0 ? named : ['https']).map((scheme) => `${scheme}://${host}${path}`);
}

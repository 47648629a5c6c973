/**
 * A path of a document as the template of a target file: a segment is a text, `{name}`, or a text with one `{name}` in it, and no
 * name stands twice. Names are spelled so that arguments can be named by them. `undefined` for a path that no template
 * can tell from others on the wire.
 */
export function templateOf(path: string): string | undefined {
  const names = new Set<string>();
  const segments = path.slice(1).split('/');
  const spelled: string[] = [];
  for (const [place, segment] of segments.entries()) {
    const [, before, name, after] = /^([^{}]*)\{([^{}]+)\}([^{}]*)$/.exec(segment) ?? [
      undefined,
      segment,
      undefined,
      '',
    ];
    const literal = `${before}${after}`;
    const isEmpty = segment === '' && place < segments.length - 1;
    if (!LITERAL.test(literal) || isEmpty || segment === '.' || segment === '..') return undefined;
    if (name === undefined) {
      spelled.push(segment);
      continue;
    }
    const identifier = name.replace(/^[^A-Za-z_]/, '_$&').replaceAll(/[^A-Za-z0-9_-]/g, '_');
    if (names.has(identifier)) return undefined;
    names.add(identifier);
    spelled.push(`${before}{${identifier}}${after}`);
  }
  return `/${spelled.join('/')}`;
}

const LITERAL = /^[\w~!$&'()*+,=:@.-]*$/;

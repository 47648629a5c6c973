/**
 * Resource names and the patterns of grants.
 *
 * A resource name is text such as `file:notes/today.md`. In a pattern, `*` stands for any run of characters but `/`,
 * and `**` for any run of characters; everything else stands for itself, in exact case.
 */

/** Whether `name` matches `pattern` as a whole. Time is linear in `name` times the length of `pattern`. */
export function matchesPattern(pattern: string, name: string): boolean {
  const star = pattern.indexOf('*');
  if (star === -1) return pattern === name;
  if (!startsAlike(pattern, name, star)) return false;
  // What nearly all patterns end in.
  if (star === pattern.length - 1) return !name.includes('/', star);
  if (star === pattern.length - 2 && pattern.endsWith('**')) return true;
  return reaches(pattern, name);
}

function startsAlike(pattern: string, name: string, length: number): boolean {
  if (name.length < length) return false;
  for (let place = 0; place < length; place++) {
    if (pattern.charCodeAt(place) !== name.charCodeAt(place)) return false;
  }
  return true;
}

/** Keeps every place of `name` that a prefix of the pattern could end at, so that no wildcard is ever tried twice. */
function reaches(pattern: string, name: string): boolean {
  let reachable = new Uint8Array(name.length + 1);
  reachable[0] = 1;
  for (let p = 0; p < pattern.length;) {
    const next = new Uint8Array(name.length + 1);
    if (pattern[p] === '*') {
      const crossing = pattern[p + 1] === '*';
      for (let n = 0; n <= name.length; n++) {
        const extended = n > 0 && next[n - 1] === 1 && (crossing || name[n - 1] !== '/');
        if (reachable[n] === 1 || extended) next[n] = 1;
      }
      p += crossing ? 2 : 1;
    } else {
      for (let n = 0; n < name.length; n++) {
        if (reachable[n] === 1 && name[n] === pattern[p]) next[n + 1] = 1;
      }
      p += 1;
    }
    reachable = next;
  }
  return reachable[name.length] === 1;
}

/**
 * Whether `outer` matches every name that `inner` matches. A yes is certain; a no may be a yes that cannot be seen wildcard
 * by wildcard. Time is linear in the one length times the other.
 */
export function patternWithin(inner: string, outer: string): boolean {
  // What `inner` may be, as a text of its own in which a wildcard is one symbol.
  const symbols = inner.match(/\*\*|[^]/g) ?? [];
  let reachable = [true, ...symbols.map(() => false)];
  for (const part of outer.match(/\*\*|[^]/g) ?? []) {
    // A wildcard takes any run of symbols whose names it matches; any other part takes itself.
    const wild = part === '*' || part === '**';
    const takes = (symbol: string) =>
      part === '**' || (part === '*' ? symbol !== '/' && symbol !== '**' : symbol === part);
    const next = reachable.map((here) => wild && here);
    for (const [place, symbol] of symbols.entries()) {
      if ((wild ? next[place] : reachable[place]) === true && takes(symbol)) next[place + 1] = true;
    }
    reachable = next;
  }
  return reachable.at(-1) === true;
}

/**
 * A path as a resource name: relative to the target's root, `/` separated, NFC, no `.`, `..`, empty or `~` start.
 * Returns `null` when the path leaves the root or could mean another file to the target than to Remit.
 */
export function normalisePath(path: string): string | null {
  // eslint-disable-next-line no-control-regex -- a control character in a path is exactly what is refused here
  if (path === '' || /[\u0000-\u001f\u007f\\]/.test(path)) return null;
  if (path.startsWith('~')) return null;
  const absolute = path.startsWith('/');
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..') {
      if (kept.length === 0) return null;
      kept.pop();
      continue;
    }
    kept.push(segment);
  }
  const joined = kept.join('/').normalize('NFC');
  if (absolute) return `/${joined}`;
  return joined === '' ? '.' : joined;
}

/** Whether a path leads elsewhere for who decodes it, once or more. */
function hidesDots(text: string, pathname: string): boolean {
  const [path = ''] = text.split(/[?#]/, 1);
  const segments = pathname.replace(/%(?:25)*(?:2f|5c)/gi, '/').split('/');
  return /%(?:25)*2e/i.test(path) || segments.includes('.') || segments.includes('..');
}

/**
 * A URL as a resource name: parsed and re-serialised, without credentials or fragment; `null` when it is none, or one that
 * other parsers read otherwise: to browsers `\` is a `/` and `https:/x` has a host, and `https://a\@b` is at `a`; to most
 * libraries it is at `b`.
 */
export function normaliseUrl(text: string): string | null {
  if (/[\\\s]/.test(text) || /^(?:https?|wss?|ftp):(?!\/\/[^/])/i.test(text) || !URL.canParse(text)) return null;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '' || hidesDots(text, url.pathname)) return null;
  url.hash = '';
  return url.href;
}

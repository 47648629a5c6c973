import type { FoundSecret } from './found.ts';
import { judgeName } from './secret-name.ts';
import { isSecretValue } from './secret-value.ts';

/**
 * Where a language of its own says what a value is: a command, a file of passwords, a line of a build. Each is looked for where
 * its `word` stands, and looks no further than a constant; `name`, where it has one, says whether the value is a secret.
 */
type Told = { rule: string; word: string; pattern: RegExp };

const PLACES: readonly Told[] = [
  {
    rule: 'netrc-password',
    word: 'machine',
    pattern: /machine\s{1,9}\S{1,200}\s{1,9}login\s{1,9}\S{1,128}\s{1,9}password\s{1,9}(?<value>\S{6,128})/y,
  },
  { rule: 'command-password', word: 'sshpass', pattern: /sshpass\s{1,4}-p\s{0,4}["']?(?<value>[^\s"']{6,128})/y },
  { rule: 'command-password', word: 'mysql', pattern: /mysql\w{0,10}\s[^\n]{0,80}?(?<=\s)-p(?<value>[^\s"']{6,128})/y },
  {
    rule: 'command-password',
    word: 'docker login',
    pattern: /docker login\s[^\n]{0,80}?(?<=\s)-p\s{0,4}["']?(?<value>[^\s"']{6,128})/y,
  },
  {
    rule: 'command-password',
    word: 'ldap',
    pattern: /ldap\w{3,8}\s[^\n]{0,80}?(?<=\s)-w\s{1,4}["']?(?<value>[^\s"']{6,128})/y,
  },
  {
    rule: 'command-password',
    word: 'htpasswd',
    pattern: /htpasswd\s{1,4}-\w{0,4}b\w{0,4}\s{1,4}\S{1,128}\s{1,4}\S{1,64}\s{1,4}(?<value>[^\s"']{6,128})/y,
  },
  { rule: 'url-password', word: ':thin:', pattern: /:thin:[\w$#]{1,64}\/(?<value>[^\s"'@/]{6,128})@/y },
  { rule: 'bearer-token', word: 'Bearer ', pattern: /Bearer (?<token>[A-Za-z0-9._~+/-]{20,2000}={0,2})/y },
  {
    rule: 'command-password',
    word: 'redis-cli',
    pattern: /redis-cli\s[^\n]{0,80}?(?<=\s)-a\s{1,4}["']?(?<value>[^\s"']{6,128})/y,
  },
  {
    rule: 'command-password',
    word: 'openssl',
    pattern: /openssl\s[^\n]{0,80}?(?<=\s)-(?:k|pass|passin|passout)\s{1,4}["']?(?:pass:)?(?<value>[^\s"']{6,128})/y,
  },
  {
    rule: 'named-secret',
    word: 'ENV ',
    pattern: /(?<=^|\n)ENV[ \t]{1,4}(?<name>\w{2,64})[ \t]{1,4}(?<value>[^\s"']{6,256})/y,
  },
  {
    rule: 'named-secret',
    word: 'SetEnv ',
    pattern: /SetEnv[ \t]{1,4}(?<name>\w{2,64})[ \t]{1,4}["']?(?<value>[^\s"']{6,256})/y,
  },
  {
    rule: 'named-secret',
    word: 'variable',
    pattern:
      /variable\s{1,4}"(?<name>[\w-]{2,64})"\s{0,4}\{[^}]{0,200}?default\s{0,9}=\s{0,9}"(?<value>[^"\n]{6,256})"/y,
  },
  {
    rule: 'azure-sas',
    word: 'sig=',
    pattern: /sig=(?<value>[A-Za-z0-9+/%]{40,90}(?:%3D|=)?)/y,
  },
];

/** Of a file of passwords: host, port, database, user, password. */
const PGPASS = /(?<![\w.])[\w.*-]{1,128}:(?:\d{2,5}|\*):[\w*-]{1,64}:[\w.-]{1,64}:(?<value>[^\s:"'\\]{6,128})(?=\s|$)/y;

export function* findTold(text: string): Generator<FoundSecret> {
  for (const { rule, word, pattern } of PLACES) {
    for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + word.length)) {
      if (rule === 'azure-sas' && !isSigned(text, at)) continue;
      const found = foundAt(text, at, pattern, rule);
      if (found !== null) yield found;
    }
  }
  for (let start = 0; start >= 0 && start < text.length; start = text.indexOf('\n', start) + 1 || -1) {
    const found = foundAt(text, start, PGPASS, 'pgpass-password');
    if (found !== null) yield found;
  }
}

function foundAt(text: string, at: number, pattern: RegExp, rule: string): FoundSecret | null {
  pattern.lastIndex = at;
  const found = pattern.exec(text);
  const { name, token, value = token } = found?.groups ?? {};
  if (found === null || value === undefined) return null;
  const kind = name === undefined ? (token === undefined ? 'password' : 'secret') : judgeName(name);
  if (kind === null || kind === 'hint' || !isSecretValue(value, kind)) return null;
  const start = at + found[0].lastIndexOf(value);
  return { start, end: start + value.length, rule, certainty: 'likely' };
}

/** A shared access signature says until when it is good, beside what it is good for. */
function isSigned(text: string, at: number): boolean {
  const around = text.slice(Math.max(0, at - 300), at + 300);
  return /[?&]se=/.test(around) && /[?&]s[vp]=/.test(around);
}

/** Words that stand where a secret should be put, or that say that this is none. */
const TELLING =
  /example|placeholder|redact|changeme|change[_-]me|replace[_-]?(?:me|this|with)|insert[_-]|your[_-]|(?:^|[_-])my[_-]|dummy|sample|notreal|not[_-]real|xxxx|_here\b|[a-z]here$|goes[_-]?here|<[^>]{1,80}>|\*{4}|\.{3}|#{4}|…|(?:1234.?){2}|undefined|\bnull\b/i;

/** The beginnings of what a template, a shell or a program puts a value in for later. */
const TEMPLATE =
  /^(?:\$[A-Za-z_{(]|\$\$?\{|\{\{|<%|%[A-Za-z_]{2,}%|%[({]|#\{|@[A-Z_]{3,}@|\[[A-Z_ ]{3,}\]|process\.env|os\.(?:environ|getenv)|System\.getenv|getenv\(|env\.|ENV\[|var\.|local\.|data\.|module\.|secrets\.|vars\.|!Ref|!Sub|!vault|arn:|projects\/)/;

const SAID_OFTEN = new Set(
  `password passwd passphrase secret token bearer basic username user admin root test testing none null nil true false
  default unset empty hidden masked private public string text value key apikey abc123 changeit letmein qwerty foobar
  hello world yes no optional required xxx yyy zzz foo bar baz pass`.split(/\s+/),
);

/** Whether a text is what documents, templates and forms show in place of a secret. */
export function isPlaceholder(value: string): boolean {
  const shown = value.length > 256 ? value.slice(0, 256) : value;
  return TEMPLATE.test(shown) || TELLING.test(shown) || SAID_OFTEN.has(shown.toLowerCase());
}

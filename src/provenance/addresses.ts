/** What reaches somebody or something, wherever it is written: URLs, hosts, e-mail addresses, telephones, accounts. */
const URL_LIKE = /(?:[a-z][a-z0-9+.-]{1,20}:\/\/|www\.)[^\s"'<>()[\]{}|\\^`]+/u;
const EMAIL = /[\p{L}\p{N}_.+-]{1,64}@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63})+/u;
/** A name in one of the domains that are met most, which are no endings of files. From its beginning: a text of dots takes no longer. */
const HOST =
  /(?=[\p{L}\p{N}_])(?<![\p{L}\p{N}_][.-]*)(?:[\p{L}\p{N}_][\p{L}\p{N}_-]{0,62}\.)+(?:com|net|org|io|dev|app|ai|co|gov|edu|info|biz|me|tv|xyz|online|site|shop|cloud|link|uk|de|fr|ch|at|nl|it|es|eu|us|ca|au|jp|cn|in|br|ru)(?![\p{L}\p{N}@_-]|\.[\p{L}\p{N}])(?:\/[^\s"'<>()]*)?/u;
/** IBAN (ISO 13616) and what looks like one, in one piece or in groups of four. */
const ACCOUNT =
  /(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[A-Z0-9]{8,30}|(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?)(?![A-Za-z0-9])/;
const WALLET = /(?<![A-Za-z0-9])(?:0x[0-9a-fA-F]{40}|bc1[a-z0-9]{25,60})(?![A-Za-z0-9])/;
const PHONE = /\+\d[\d ()-]{6,20}\d/;

/** A scheme, and the domain of a host, may be in capital letters; an account is. */
const ANY_CASE = [URL_LIKE, EMAIL, HOST].map(({ source }) => source).join('|');
const AS_WRITTEN = [ACCOUNT, WALLET, PHONE].map(({ source }) => source).join('|');

const MAX_TEXT = 64 * 1024;
const MAX_ADDRESSES = 100;

/** The addresses in a text, each once; of a very long text, those of its beginning. */
export function addressesIn(text: string): string[] {
  const start = text.slice(0, MAX_TEXT);
  const found = new Set<string>();
  for (const pattern of [new RegExp(ANY_CASE, 'giu'), new RegExp(AS_WRITTEN, 'gu')]) {
    for (const [address] of start.matchAll(pattern)) {
      if (found.size < MAX_ADDRESSES) found.add(address.replace(/[.,;:!?]+$/, ''));
    }
  }
  return [...found];
}

export function isAddress(text: string): boolean {
  const value = text.trim();
  return value.length <= 2048 && (WHOLE_IN_ANY_CASE.test(value) || WHOLE_AS_WRITTEN.test(value));
}

const WHOLE_IN_ANY_CASE = new RegExp(`^(?:${ANY_CASE})$`, 'iu');
const WHOLE_AS_WRITTEN = new RegExp(`^(?:${AS_WRITTEN})$`, 'u');

import { decodeInline } from './decode.ts';
import { foldLookAlikes } from './look-alikes.ts';

/**
 * The form in which a value is looked up where a match would have it trusted: letter case and ASCII white space do not
 * count, and nothing else is made equal. What merely looks the same, or is the same in another normal form, is another.
 */
export function trustForm(text: string): string {
  // A full stop without a space behind it, as people type it, ends a sentence before a capital letter.
  const stops = text.includes('.');
  const form = lowerCase(stops ? text.replace(/(\p{Ll})\.(?=\p{Lu}\p{Ll})/gu, '$1 . ') : text).replace(
    /[ \t\r\n\f\v]+/g,
    ' ',
  );
  return (stops ? form.replace(/\.(?= |$|["')\]}])/g, ' .') : form).trim();
}

/** Signs whose lower case is that of another sign: a Kelvin sign is not a `k`. They stay as they are. */
const ODD_CASE = /[\u0130\u1e9e\u03f4\u2126\u212a\u212b]/;

function lowerCase(text: string): string {
  if (!ODD_CASE.test(text)) return text.toLowerCase();
  return text
    .split(/([\u0130\u1e9e\u03f4\u2126\u212a\u212b])/)
    .map((part) => (ODD_CASE.test(part) ? part : part.toLowerCase()))
    .join('');
}

/**
 * The form in which a value is looked up where a match would have it distrusted: words of letters and digits with one
 * space between, in lower case, without marks and whatever cannot be seen, letters of other scripts that look Latin as
 * Latin ones, and URL, HTML and JSON escapes resolved. Much that differs is equal in it, and that is the side to err to.
 */
export function suspectForm(text: string): string {
  const plain = decodeInline(text);
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  const ascii = /^[\x00-\x7f]*$/.test(plain);
  return ascii ? asciiForm(plain) : unicodeForm(plain);
}

function asciiForm(text: string): string {
  return (
    text
      // oxlint-disable-next-line no-control-regex -- they are not seen, and so separate nothing
      .replace(/[\x00-\x08\x0e-\x1f\x7f]+/g, '')
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, ' ')
      .trim()
  );
}

function unicodeForm(text: string): string {
  const folded = text
    .normalize('NFKD')
    // Control characters that are no white space, marks, and what a font leaves out.
    .replace(/[\p{M}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]+|(?![\t\n\r\f\v])\p{Cc}/gu, '')
    .toLowerCase()
    // A lower case may bring marks of its own (U+0130).
    .replace(/\p{M}+/gu, '');
  return foldLookAlikes(folded)
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

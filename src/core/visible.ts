/**
 * What a reader would not see or would see otherwise: control and format characters (bidirectional and zero-width ones
 * among them), line separators, whatever a font leaves out, blanks that are no space, and what is no character at all.
 */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/gu;
const BIDI = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/** The text with each hidden character as `\u{…}`, so that nothing of it can hide, move the cursor or turn text around. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}

export const TEXT_NOTES = ['hidden_characters', 'turns_text_around', 'unusual_normal_form', 'mixed_scripts'] as const;
export type TextNote = (typeof TEXT_NOTES)[number];

/** What is odd about a text that somebody has to read closely. Line ends and tabs are not. */
export function notesOn(text: string): TextNote[] {
  const notes: TextNote[] = [];
  if (visible(text.replace(/[\n\r\t]/g, '')) !== text.replace(/[\n\r\t]/g, '')) notes.push('hidden_characters');
  if (BIDI.test(text)) notes.push('turns_text_around');
  if (text.normalize('NFC') !== text) notes.push('unusual_normal_form');
  if (text.split(/[^\p{L}\p{M}]+/u).some(isMixed)) notes.push('mixed_scripts');
  return notes;
}

/** One word with letters of scripts that look alike: Latin with Cyrillic or Greek ones. */
function isMixed(word: string): boolean {
  const scripts = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u];
  return scripts.filter((script) => script.test(word)).length > 1;
}

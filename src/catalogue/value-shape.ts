/** What a value is, by how it is written alone. */

const MAX_TIME = 64;

/** Part of a time that tells nothing by itself. */
const AROUND =
  /^(?:\d{1,4}(?:st|nd|rd|th)?|[ap]m|[ap]\.m\.|z|utc|gmt|at|on|of|the|to|until|till|from|and|next|this|week|every|[+-]\d{2}:?\d{2})$/;
/** Part that can be nothing else. */
const TELLING =
  /^(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{4}[./]\d{1,2}[./]\d{1,2}|(?:\d{4}-\d{2}-\d{2}t)?\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:z|[ap]m|[+-]\d{2}:?\d{2})?|\d{1,2}[ap]m|noon|midnight|today|tonight|tomorrow|now|mon(?:day)?|tue(?:s|sday)?|wed(?:nesday)?|thu(?:rs|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?|jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)$/;
const NAMES_NOBODY =
  /^(?:(?:this|next|on|until|by) )?(?:today|tonight|tomorrow|now|noon|midnight|(?:mon|tues|wednes|thurs|fri|satur|sun)day)(?: (?:noon|night|morning|evening))?$/;
/** ISO 8601. */
const DURATION = /^p(?=.)(?:\d{1,6}[ymwd]){0,4}(?:t(?:\d{1,6}[hms]){1,3})?$/;

/** Whether all of a value says when, or how long: `2026-03-05 12:30`, `Friday at 3 pm`, `08:00-10:00`, `PT15M`. */
export function isTime(value: string): boolean {
  const text = value.trim().toLowerCase();
  if (text === '' || text.length > MAX_TIME) return false;
  if (DURATION.test(text)) return true;
  // `April`, `Jan` and `May` are people as well.
  if (!/\d/.test(text) && !NAMES_NOBODY.test(text)) return false;
  const parts = text
    .split(/[\s,]+|(?<=:\d{2})\s?[-–/]\s?(?=\d)|(?<=\d{4}-\d{2}-\d{2})\/(?=\d)/)
    .filter((part) => !/^[-–]?$/.test(part));
  return parts.some((part) => TELLING.test(part)) && parts.every((part) => TELLING.test(part) || AROUND.test(part));
}

/** Whether it is written as identifiers are, and prose is not: in one piece, with a digit. */
export function isIdentifier(value: string): boolean {
  return /^(?=.*\d)[\p{L}\p{N}#][\p{L}\p{N}_.:/#-]{0,127}$/u.test(value);
}

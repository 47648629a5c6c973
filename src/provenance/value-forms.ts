import { suspectForm, trustForm } from './forms.ts';
import { datesIn, groupedIn, numberOf, withoutScheme } from './written-forms.ts';

const ADDRESS = /^(?:https?:\/\/|www\.|mailto:)/i;
const CURRENCY = /^[$€£¥]\s?|\s?[$€£¥]$/g;

/** The value as it may stand in a trusted text: as it is, and as `trustedText` also writes it. */
export function trustedForms(text: string): string[] {
  const forms = [trustForm(text), ...otherForms(text).map(trustForm)];
  if (ADDRESS.test(text)) forms.push(trustForm(withoutScheme(text)));
  return (forms.length === 1 ? forms : [...new Set(forms)]).filter((form) => form !== '');
}

/** How the value may stand in an untrusted text beside `form`, which is as it is: as `suspectText` also writes it. */
export function suspectForms(text: string, form: string): string[] {
  const number = numberOf(text);
  const forms = [...datesIn(text, true).map(suspectForm), ...(number === null ? [] : [number])];
  if (ADDRESS.test(text)) forms.push(suspectForm(withoutScheme(text)));
  return forms.length === 0 ? forms : [...new Set(forms)].filter((other) => other !== '' && other !== form);
}

/** Another way of writing all of it: a number, a date without a time, an identifier in groups. */
function otherForms(text: string): string[] {
  if (text.length > 64) return [];
  const number = numberOf(text.replace(CURRENCY, ''));
  const dates = /\d[T:]\d/.test(text) || text.length > 24 ? [] : datesIn(text, false);
  const compact = text.replace(/^\+|[ -]/g, '').toLowerCase();
  const grouped = groupedIn(text).filter((joined) => joined === compact);
  const telephone = /^\+\d{7,15}$/.test(text) ? [compact] : [];
  return [...(number === null ? [] : [number]), ...(dates.length === 1 ? dates : []), ...grouped, ...telephone];
}

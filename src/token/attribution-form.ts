/** What makers and verifiers of an attribution have to agree on. */

/** `typ` of an attribution: it is no token, and opens nothing. */
export const ATTRIBUTION_TYP = 'remit-attribution+jwt';

/** Longest time between its making and its use, seconds: a request that is on its way for longer has timed out. */
export const ATTRIBUTION_SECONDS = 60;

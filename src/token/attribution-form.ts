/** `typ` of an attribution: it is no token, and opens nothing. */
export const ATTRIBUTION_TYP = 'remit-attribution+jwt';

/** The header of a request to a target that it is in. */
export const ATTRIBUTION_HEADER = 'remit-attribution';

/** How long it lives, in seconds: a request that is on its way for longer has timed out. */
export const ATTRIBUTION_SECONDS = 60;

/**
 * How sure a finding is. `certain`: a format that nothing else has, or a place where only a secret stands. `likely`: looks
 * like one where a name or a place says so. `possible`: public as often as secret; report it, do not act on it alone.
 */
export type Certainty = 'certain' | 'likely' | 'possible';

/** A secret in a text: UTF-16 offsets of the value itself, `end` exclusive, and the rule that found it. Never the value. */
export type FoundSecret = { start: number; end: number; rule: string; certainty: Certainty };

/** How much harm a disclosure or change would do, from least to most. */
export const SENSITIVITIES = ['public', 'internal', 'confidential', 'restricted'] as const;
export type Sensitivity = (typeof SENSITIVITIES)[number];

/** 0 for `public` … 3 for `restricted`: comparable, and what policy sees as `sensitivity.level`. */
export function sensitivityLevel(sensitivity: Sensitivity): number {
  return LEVELS[sensitivity];
}

const LEVELS: Readonly<Record<Sensitivity, number>> = { public: 0, internal: 1, confidential: 2, restricted: 3 };

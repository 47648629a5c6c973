import fc from 'fast-check';

// A red run must mean that a change broke something, not that the dice fell otherwise: several tests also count what
// was generated. `SEED=7 npm test` tries others, and `npm run conformance` as many as one likes.
fc.configureGlobal({ seed: Number(process.env['SEED'] ?? 1) });

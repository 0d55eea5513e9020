/**
 * The guarantees are tested in two forms: a short one in `npm test`, and all of it by `npm run test:faults`, which sets
 * FAULTS=long.
 */
export const LONG = process.env.FAULTS === 'long'

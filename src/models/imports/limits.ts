/** Features of an example at most. */
export const FEATURES_MAX = 1_000_000
